"""`/api/v1/swap/live`: swaps on running streams, seen by whoever started them."""

from fastapi import APIRouter, status
from fastapi.responses import StreamingResponse

from lianpu.accounts.access import PrincipalDep, require_scope, requires
from lianpu.accounts.accounts import AccountsDep
from lianpu.accounts.roles import Scope
from lianpu.engines.swap.swapper import SwapFaces, SwapKind
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.streams.broadcast import MEDIA_TYPE
from lianpu.streams.router import NEVER_KEPT, parts
from lianpu.streams.streams import StreamsDep
from lianpu.swap.consents.consents import Use
from lianpu.swap.live.schemas import LiveAnswer, LiveFields, LiveListAnswer, LiveOnlyAnswer
from lianpu.swap.schemas import LIVE_PATH
from lianpu.swap.service import SwapDep

router = APIRouter(prefix=LIVE_PATH, tags=["swap"])


@router.post(
    "",
    dependencies=[audited(Action.SWAP_LIVE_START), requires(Scope.SWAP)],
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 403, 404, 409, 422, 503),
)
async def start_live_swap(
    body: LiveFields,
    swap: SwapDep,
    streams: StreamsDep,
    accounts: AccountsDep,
    principal: PrincipalDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> LiveOnlyAnswer:
    """Swap a face on a running stream; every frame is labelled. Needs `streams:read`, too.

    It ends with its stream, when it is stopped, and within a second of its consent's revocation.
    """
    note.about(body.stream_id, consent_id=body.consent_id, purpose=body.purpose, engine=body.engine)
    require_scope(principal, Scope.STREAMS_READ)
    record = await swap.live.start(
        principal.id,
        Use(body.consent_id, body.purpose, SwapKind.LIVE),
        body.stream_id,
        body.engine,
        SwapFaces(all_faces=body.all_faces),
        camera=body.virtual_camera,
    )
    note.about(live_id=record.id, virtual_camera=body.virtual_camera)
    feed = _feed_url(accounts, principal, streams, record.id)
    return LiveOnlyAnswer(live_swap=LiveAnswer.of(record, feed), request_id=request_id)


@router.get("", dependencies=[audited(Action.SWAP_READ, gathered=True), requires(Scope.SWAP)])
async def list_live_swaps(
    swap: SwapDep, streams: StreamsDep, accounts: AccountsDep, principal: PrincipalDep, request_id: RequestId
) -> LiveListAnswer:
    """One's own, those that run first."""
    answers = [
        LiveAnswer.of(record, _feed_url(accounts, principal, streams, record.id))
        for record in swap.live.list(principal.id)
    ]
    return LiveListAnswer(live_swaps=answers, request_id=request_id)


@router.get(
    "/{live_id}",
    dependencies=[audited(Action.SWAP_READ, gathered=True), requires(Scope.SWAP)],
    responses=problems(404),
)
async def get_live_swap(
    live_id: str,
    swap: SwapDep,
    streams: StreamsDep,
    accounts: AccountsDep,
    principal: PrincipalDep,
    request_id: RequestId,
) -> LiveOnlyAnswer:
    """State, rates, and an address to watch it at."""
    record = swap.live.get(principal.id, live_id)
    feed = _feed_url(accounts, principal, streams, live_id)
    return LiveOnlyAnswer(live_swap=LiveAnswer.of(record, feed), request_id=request_id)


@router.post(
    "/{live_id}/stop",
    dependencies=[audited(Action.SWAP_LIVE_STOP), requires(Scope.SWAP)],
    responses=problems(404),
)
async def stop_live_swap(
    live_id: str,
    swap: SwapDep,
    streams: StreamsDep,
    accounts: AccountsDep,
    principal: PrincipalDep,
    request_id: RequestId,
) -> LiveOnlyAnswer:
    """End it; the stream itself goes on."""
    record = await swap.live.stop(principal.id, live_id)
    feed = _feed_url(accounts, principal, streams, live_id)
    return LiveOnlyAnswer(live_swap=LiveAnswer.of(record, feed), request_id=request_id)


@router.get(
    "/{live_id}/feed",
    # An <img> cannot send a header: its address carries a signature.
    dependencies=[audited(Action.SWAP_LIVE_WATCH), requires(Scope.SWAP, by_signature=True)],
    response_class=StreamingResponse,
    responses={200: {"content": {"multipart/x-mixed-replace": {}}}, **problems(404)},
)
async def watch_live_swap(
    live_id: str, swap: SwapDep, accounts: AccountsDep, principal: PrincipalDep
) -> StreamingResponse:
    """Motion JPEG of labelled frames, for `<img src>`; the address is `feed_url` of the live swap."""
    broadcast = swap.live.broadcast(principal.id, live_id)
    return StreamingResponse(parts(broadcast, accounts, principal), media_type=MEDIA_TYPE, headers=NEVER_KEPT)


def _feed_url(accounts: AccountsDep, principal: PrincipalDep, streams: StreamsDep, live_id: str) -> str:
    path = f"{LIVE_PATH}/{live_id}/feed"
    return accounts.addresses.signed(path, principal, lifetime_s=streams.feed_lifetime_s)
