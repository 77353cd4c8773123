"""What the API takes and gives about consents and the swap policy."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from lianpu.database.base import now_utc
from lianpu.engines.swap.swapper import SwapKind
from lianpu.swap.consents.consents import ConsentDraft
from lianpu.swap.consents.models import NAME_MAX_CHARS, NOTE_MAX_CHARS, PURPOSE_MAX_CHARS, REASON_MAX_CHARS, SwapConsent

LAST_MOMENT = datetime(9999, 1, 1, tzinfo=UTC)


def _storable(moment: datetime) -> datetime:
    if moment > LAST_MOMENT:
        raise ValueError("must be before the year 9999")
    return moment


def _plain(text: str) -> str:
    if any(not (char.isprintable() or char == "\n") for char in text):
        raise ValueError("must hold no control characters")
    return text.strip()


def _named(text: str) -> str:
    if not text:
        raise ValueError("must not be blank")
    return text


Moment = Annotated[AwareDatetime, AfterValidator(_storable), Field(examples=["2027-01-31T00:00:00Z"])]
Text = Annotated[str, AfterValidator(_plain)]
Named = Annotated[Text, AfterValidator(_named)]
Purpose = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=PURPOSE_MAX_CHARS,
        description="A word of the operator's own; a swap has to name the same one.",
        examples=["film-dubbing"],
    ),
]


class ConsentStatus(StrEnum):
    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    PERSON_GONE = "person_gone"

    @classmethod
    def of(cls, consent: SwapConsent) -> "ConsentStatus":
        if consent.revoked_at is not None:
            return cls.REVOKED
        if consent.person_id is None:
            return cls.PERSON_GONE
        return cls.VALID if consent.valid_until > now_utc() else cls.EXPIRED


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewConsentFields(_Strict):
    person_id: Named = Field(max_length=128, description="Of the gallery: whose face it is.")
    grantor: Named = Field(
        max_length=NAME_MAX_CHARS,
        description="Who consented: the person, or who may speak for them.",
        examples=["张三"],
    )
    purpose: Purpose
    scopes: list[SwapKind] = Field(min_length=1, max_length=3, description="What the face may be put onto.")
    valid_until: Moment
    evidence_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Of the signed paper or recording, which stays with its owner."
    )
    evidence_name: Named = Field(max_length=NAME_MAX_CHARS, examples=["consent-zhang-san.pdf"])
    note: Text = Field(default="", max_length=NOTE_MAX_CHARS)

    def draft(self) -> ConsentDraft:
        return ConsentDraft(
            self.person_id,
            self.grantor,
            self.purpose,
            frozenset(self.scopes),
            self.valid_until,
            self.evidence_sha256,
            self.evidence_name,
            self.note,
        )


class ConsentFields(_Strict):
    """What is left out stays as it is. A consent can only be made to end sooner."""

    valid_until: Moment | None = None
    note: Text | None = Field(default=None, max_length=NOTE_MAX_CHARS)


class RevocationFields(_Strict):
    reason: Text = Field(default="", max_length=REASON_MAX_CHARS)


class ConsentAnswer(BaseModel):
    consent_id: str
    person_id: str | None = Field(description="Null: the person was deleted from the gallery.")
    subject_name: str = Field(description="The person's name when the consent was recorded.")
    grantor: str
    purpose: str
    scopes: list[SwapKind]
    valid_until: datetime
    status: ConsentStatus
    evidence_sha256: str
    evidence_name: str
    note: str
    created_by: str = Field(description="Id of the user who recorded it.")
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    revocation_reason: str
    uses: int = Field(description="Swaps that were asked for by it.")
    last_used_at: datetime | None

    @classmethod
    def of(cls, consent: SwapConsent) -> "ConsentAnswer":
        return cls(
            consent_id=consent.id,
            person_id=consent.person_id,
            subject_name=consent.subject_name,
            grantor=consent.grantor,
            purpose=consent.purpose,
            scopes=[SwapKind(scope) for scope in consent.scopes],
            valid_until=consent.valid_until,
            status=ConsentStatus.of(consent),
            evidence_sha256=consent.evidence_sha256,
            evidence_name=consent.evidence_name,
            note=consent.note,
            created_by=consent.created_by,
            created_at=consent.created_at,
            revoked_at=consent.revoked_at,
            revoked_by=consent.revoked_by,
            revocation_reason=consent.revocation_reason,
            uses=consent.uses,
            last_used_at=consent.last_used_at,
        )


class ConsentOnlyAnswer(BaseModel):
    consent: ConsentAnswer
    request_id: str


class ConsentListAnswer(BaseModel):
    consents: list[ConsentAnswer]
    next_cursor: str | None
    request_id: str
