"""`/api/v1/stream/webhooks`: where events are posted to, and how that goes."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Response, status

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.streams.delivery.webhooks import schemas
from lianpu.streams.delivery.webhooks.webhooks import WebhooksDep

router = APIRouter(prefix="/api/v1/stream/webhooks", tags=["streams"])


@router.get(
    "",
    dependencies=[audited(Action.WEBHOOK_LIST, gathered=True), requires(Scope.STREAMS_MANAGE)],
)
async def list_webhooks(webhooks: WebhooksDep, request_id: RequestId) -> schemas.WebhookListAnswer:
    """All endpoints, oldest first, and what waits for each."""
    found = [schemas.WebhookAnswer.of(record) for record in await webhooks.list()]
    return schemas.WebhookListAnswer(webhooks=found, request_id=request_id)


@router.post(
    "",
    dependencies=[audited(Action.WEBHOOK_CREATE), requires(Scope.STREAMS_MANAGE)],
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 409, 422),
)
async def create_webhook(
    body: schemas.WebhookFields, response: Response, webhooks: WebhooksDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.WebhookSecretAnswer:
    """Post events to an address from now on. The `secret` is in this answer and nowhere else."""
    record, secret = await webhooks.create(body.url, body.change())
    note.about(record.row.id, host=urlsplit(body.url).hostname, with_crop=body.with_crop)
    response.headers["Cache-Control"] = "no-store"
    return schemas.WebhookSecretAnswer(webhook=schemas.WebhookAnswer.of(record), secret=secret, request_id=request_id)


@router.get(
    "/{webhook_id}",
    dependencies=[audited(Action.WEBHOOK_READ, gathered=True), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404),
)
async def get_webhook(webhook_id: str, webhooks: WebhooksDep, request_id: RequestId) -> schemas.WebhookOnlyAnswer:
    """One endpoint."""
    record = await webhooks.get(webhook_id)
    return schemas.WebhookOnlyAnswer(webhook=schemas.WebhookAnswer.of(record), request_id=request_id)


@router.patch(
    "/{webhook_id}",
    dependencies=[audited(Action.WEBHOOK_UPDATE), requires(Scope.STREAMS_MANAGE)],
    responses=problems(400, 404, 422),
)
async def update_webhook(
    webhook_id: str,
    body: schemas.WebhookChangeFields,
    webhooks: WebhooksDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.WebhookOnlyAnswer:
    """Change an endpoint. `active: true` also takes one up again that was disabled after failing."""
    record = await webhooks.update(webhook_id, body.change())
    host = None if body.url is None else urlsplit(body.url).hostname
    note.about(host=host, active=body.active, with_crop=body.with_crop)
    return schemas.WebhookOnlyAnswer(webhook=schemas.WebhookAnswer.of(record), request_id=request_id)


@router.delete(
    "/{webhook_id}",
    dependencies=[audited(Action.WEBHOOK_DELETE), requires(Scope.STREAMS_MANAGE)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
async def delete_webhook(webhook_id: str, webhooks: WebhooksDep) -> Response:
    """Remove an endpoint with all that waits for it, its dead letters and its log."""
    await webhooks.delete(webhook_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post(
    "/{webhook_id}/secret",
    dependencies=[audited(Action.WEBHOOK_SECRET), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404),
)
async def renew_webhook_secret(
    webhook_id: str, response: Response, webhooks: WebhooksDep, request_id: RequestId
) -> schemas.WebhookSecretAnswer:
    """A new secret; the old one signs nothing any more."""
    record, secret = await webhooks.renew_secret(webhook_id)
    response.headers["Cache-Control"] = "no-store"
    return schemas.WebhookSecretAnswer(webhook=schemas.WebhookAnswer.of(record), secret=secret, request_id=request_id)


@router.post(
    "/{webhook_id}/test",
    dependencies=[audited(Action.WEBHOOK_TEST), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404),
)
async def test_webhook(
    webhook_id: str, webhooks: WebhooksDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.WebhookTestAnswer:
    """Post a message of the kind `test` once, and tell what came of it."""
    result = await webhooks.test(webhook_id)
    note.about(delivered=result.error is None, status=result.status)
    return schemas.WebhookTestAnswer.of(result, request_id)


@router.get(
    "/{webhook_id}/deliveries",
    dependencies=[audited(Action.WEBHOOK_DELIVERIES, gathered=True), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404),
)
async def list_webhook_deliveries(
    webhook_id: str, webhooks: WebhooksDep, request_id: RequestId
) -> schemas.WebhookDeliveriesAnswer:
    """The last attempts, newest first."""
    found = [schemas.WebhookDeliveryAnswer.of(row) for row in await webhooks.attempts(webhook_id)]
    return schemas.WebhookDeliveriesAnswer(deliveries=found, request_id=request_id)


@router.get(
    "/{webhook_id}/dead-letters",
    dependencies=[audited(Action.WEBHOOK_DEAD_LETTERS, gathered=True), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404, 422),
)
async def list_dead_letters(
    webhook_id: str,
    webhooks: WebhooksDep,
    request_id: RequestId,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> schemas.DeadLettersAnswer:
    """Events that were given up, newest first."""
    page, next_cursor = await webhooks.dead_letters(webhook_id, cursor, limit)
    found = [schemas.DeadLetterAnswer.of(row) for row in page]
    return schemas.DeadLettersAnswer(dead_letters=found, next_cursor=next_cursor, request_id=request_id)


@router.post(
    "/{webhook_id}/dead-letters/retry",
    dependencies=[audited(Action.WEBHOOK_RETRY), requires(Scope.STREAMS_MANAGE)],
    responses=problems(400, 404, 409, 422),
)
async def retry_dead_letters(
    webhook_id: str, body: schemas.RetryFields, webhooks: WebhooksDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.DeadLetterCountAnswer:
    """Try these again, or all of them, before everything newer."""
    count = await webhooks.retry(webhook_id, body.event_ids)
    note.about(count=count)
    return schemas.DeadLetterCountAnswer(count=count, request_id=request_id)


@router.delete(
    "/{webhook_id}/dead-letters",
    dependencies=[audited(Action.WEBHOOK_PURGE), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404, 422),
)
async def purge_dead_letters(
    webhook_id: str,
    webhooks: WebhooksDep,
    note: AuditNoteDep,
    request_id: RequestId,
    event_id: Annotated[
        list[Annotated[str, Query(max_length=64)]] | None, Query(max_length=500, description="These; without: all.")
    ] = None,
) -> schemas.DeadLetterCountAnswer:
    """Let these go for good, or all of them."""
    count = await webhooks.purge(webhook_id, event_id)
    note.about(count=count)
    return schemas.DeadLetterCountAnswer(count=count, request_id=request_id)
