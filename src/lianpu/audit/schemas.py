"""What the audit log's routes answer."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from lianpu.audit.models import AuditEvent
from lianpu.audit.verification import ChainProblem, Verdict

EXPLANATIONS = {
    ChainProblem.CHANGED: "Its seal does not fit: it was changed, or written by somebody without the key, or the "
    "installation's secret is another one by now.",
    ChainProblem.MISSING: "It was removed.",
    ChainProblem.INSERTED: "It was put before the first event.",
    ChainProblem.OUT_OF_ORDER: "It is genuine and does not follow the event before it: two histories were mixed.",
    ChainProblem.CUT: "It and all after it were removed: the anchor in the home folder knows a later one.",
    ChainProblem.REWRITTEN: "The anchor in the home folder knows another event here: a later history was replaced.",
    ChainProblem.HEAD_UNKNOWN: "No event has the expected hash: the log was cut before it, or it is of another log.",
    ChainProblem.ANCHOR_DAMAGED: "The anchor in the home folder (keys/audit.head) cannot be read.",
}


class ActorAnswer(BaseModel):
    kind: str = Field(examples=["user", "api_key", "configured_key", "local", "anonymous", "system"])
    id: str
    name: str = Field(description="As it was then.")


class AuditEventAnswer(BaseModel):
    sequence: int = Field(examples=[4711])
    at: datetime
    actor: ActorAnswer
    action: str = Field(examples=["face.search"])
    outcome: Literal["ok", "refused", "failed"]
    status: int = Field(description="Of the HTTP answer; 0: there was none.", examples=[200])
    target: str | None = Field(description="Id of what was acted upon.")
    client: str = Field(description="Address of the caller.", examples=["192.0.2.7"])
    request_id: str
    detail: dict[str, Any] = Field(examples=[{"faces": 1, "persons": [{"person_id": "p-17", "score": 0.913}]}])
    hash: str

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        return cls(
            sequence=event.sequence,
            at=event.at,
            actor=ActorAnswer(kind=event.actor_kind, id=event.actor_id, name=event.actor_name),
            action=event.action,
            outcome=event.outcome,  # type: ignore[arg-type]
            status=event.status,
            target=event.target,
            client=event.client,
            request_id=event.request_id,
            detail=event.detail,
            hash=event.hash,
        )


class AuditPageAnswer(BaseModel):
    events: list[AuditEventAnswer]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last page.")
    request_id: str


class AuditVerdictAnswer(BaseModel):
    ok: bool
    events: int = Field(description="So many were proved, from the first on.")
    head_hash: str = Field(description="Of the last one proved. Note it down elsewhere, and expect it next time.")
    first_broken: int | None = Field(description="Sequence number of the first event that is wrong; null: none is.")
    problem: ChainProblem | None
    explanation: str | None
    anchored: int | None = Field(description="Sequence number that the anchor in the home folder names.")
    request_id: str

    @classmethod
    def of(cls, verdict: Verdict, request_id: str) -> Self:
        return cls(
            ok=verdict.ok,
            events=verdict.events,
            head_hash=verdict.head.hash,
            first_broken=verdict.first_broken,
            problem=verdict.problem,
            explanation=None if verdict.problem is None else EXPLANATIONS[verdict.problem],
            anchored=None if verdict.anchored is None else verdict.anchored.sequence,
            request_id=request_id,
        )
