"""Consents: recorded, shown, revoked, and asked before every swap and all the while it runs."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.engines.swap.swapper import SwapKind
from lianpu.errors import (
    ConsentError,
    ConsentExpiredError,
    ConsentPurposeError,
    ConsentRevokedError,
    ConsentScopeError,
    ConsentUsedError,
    FieldError,
    FieldsInvalidError,
)
from lianpu.gallery.repository import GalleryRepository
from lianpu.http.pagination import Cursor, decode_cursor, moment_and_id
from lianpu.swap.consents.models import SwapConsent
from lianpu.swap.consents.repository import ConsentRepository

ASKED_AGAIN_S = 0.4
"""So often whoever uses a consent looks whether it still holds: another process may have revoked it."""


@dataclass(frozen=True, slots=True)
class ConsentDraft:
    person_id: str
    grantor: str
    purpose: str
    scopes: frozenset[SwapKind]
    valid_until: datetime
    evidence_sha256: str
    evidence_name: str
    note: str


@dataclass(frozen=True, slots=True)
class Use:
    """What a consent is asked for."""

    consent_id: str
    purpose: str
    kind: SwapKind


OnRevoked = Callable[[str], None]


class Consents:
    """Lives on one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[OnRevoked] = []

    def on_revoked(self, listener: OnRevoked) -> None:
        """Called at once with the id of a consent that is revoked in this process."""
        self._listeners.append(listener)

    async def record(self, draft: ConsentDraft, by: str) -> SwapConsent:
        """
        Raises:
            PersonNotFoundError: there is no such person.
            FieldsInvalidError: it would be over already.
        """
        if draft.valid_until <= now_utc():
            raise _over()
        async with self._database.session() as session:
            person = await GalleryRepository(session).person(draft.person_id)
            consent = SwapConsent(
                person_id=person.id,
                subject_name=person.name,
                grantor=draft.grantor,
                purpose=draft.purpose,
                scopes=sorted(scope.value for scope in draft.scopes),
                valid_until=draft.valid_until,
                evidence_sha256=draft.evidence_sha256,
                evidence_name=draft.evidence_name,
                note=draft.note,
                created_by=by,
                revocation_reason="",
                uses=0,
            )
            ConsentRepository(session).add(consent)
            await session.commit()
        return consent

    async def get(self, consent_id: str) -> SwapConsent:
        """
        Raises:
            ConsentNotFoundError: there is no such consent.
        """
        async with self._database.session() as session:
            return await ConsentRepository(session).consent(consent_id)

    async def page(
        self, person_id: str | None, usable: bool, cursor: str | None, limit: int
    ) -> tuple[Sequence[SwapConsent], str | None]:
        """Newest first, and the cursor of the next page.

        Raises:
            CursorInvalidError: the cursor is not one of this list.
        """
        scope = f"swap_consents:{person_id}:{usable}"
        after = None if cursor is None else moment_and_id(decode_cursor(cursor, scope, 2))
        async with self._database.session() as session:
            repository = ConsentRepository(session)
            found = await repository.consents(person_id, now_utc() if usable else None, after, limit + 1)
        shown, more = found[:limit], len(found) > limit
        return shown, Cursor((shown[-1].created_at.isoformat(), shown[-1].id)).encode(scope) if more else None

    async def change(self, consent_id: str, *, note: str | None, valid_until: datetime | None) -> SwapConsent:
        """A consent can be made to end sooner; for anything wider the person is to be asked anew.

        Raises:
            ConsentNotFoundError: there is no such consent.
            ConsentRevokedError: it was revoked.
            FieldsInvalidError: it would last longer than what was consented to.
        """
        async with self._database.session() as session:
            consent = await ConsentRepository(session).consent(consent_id)
            if consent.revoked_at is not None:
                raise ConsentRevokedError("This consent was revoked: it is kept as it was.")
            if valid_until is not None:
                if valid_until > consent.valid_until:
                    text = "must not be later than before: record a new consent instead"
                    error = FieldError("valid_until", text, "consent_widened")
                    raise FieldsInvalidError("A consent cannot be widened.", errors=[error])
                consent.valid_until = valid_until
            consent.note = consent.note if note is None else note
            await session.commit()
        return consent

    async def revoke(self, consent_id: str, by: str, reason: str) -> SwapConsent:
        """What uses it stops; revoking once more changes nothing.

        Raises:
            ConsentNotFoundError: there is no such consent.
        """
        async with self._database.session() as session:
            repository = ConsentRepository(session)
            await repository.consent(consent_id)
            await repository.revoke(consent_id, by, reason, now_utc())
            await session.commit()
        for listener in self._listeners:
            listener(consent_id)
        return await self.get(consent_id)

    async def delete(self, consent_id: str) -> None:
        """Only one that nothing was made by: else it says by what right.

        Raises:
            ConsentNotFoundError: there is no such consent.
            ConsentUsedError: something was made by it.
        """
        async with self._database.session() as session:
            repository = ConsentRepository(session)
            consent = await repository.consent(consent_id)
            if consent.uses:
                raise ConsentUsedError(f"The consent was used {consent.uses} times: revoke it instead.")
            await repository.delete(consent)
            await session.commit()
        for listener in self._listeners:
            listener(consent_id)

    async def check(self, use: Use) -> SwapConsent:
        """The consent, if it permits this use now.

        Raises:
            ConsentError: there is none, or its person was deleted.
            ConsentRevokedError, ConsentExpiredError, ConsentScopeError, ConsentPurposeError: it does not permit it.
        """
        async with self._database.session() as session:
            return _permitting(await ConsentRepository(session).find(use.consent_id), use)

    async def take(self, use: Use) -> SwapConsent:
        """As `check`, and counts the use."""
        async with self._database.session() as session:
            repository = ConsentRepository(session)
            consent = _permitting(await repository.find(use.consent_id), use)
            await repository.count_use(consent.id, now_utc())
            await session.commit()
        return consent

    async def lost(self, use: Use) -> ConsentError:
        """Returns, with what it does not permit any more, when the consent ceases to permit the use."""
        while True:
            try:
                await self.check(use)
            except ConsentError as error:
                return error
            await asyncio.sleep(ASKED_AGAIN_S)


def _permitting(consent: SwapConsent | None, use: Use) -> SwapConsent:
    if consent is None or consent.person_id is None:
        raise ConsentError(
            "There is no such consent: a face is swapped in only with the recorded consent of the person it is of."
        )
    if consent.revoked_at is not None:
        raise ConsentRevokedError(f"The consent was revoked at {consent.revoked_at:%Y-%m-%d %H:%M} UTC.")
    if consent.valid_until <= now_utc():
        raise ConsentExpiredError(f"The consent was good until {consent.valid_until:%Y-%m-%d %H:%M} UTC.")
    if use.kind.value not in consent.scopes:
        raise ConsentScopeError(f"The consent is for {', '.join(consent.scopes)}, and not for {use.kind.value}.")
    if use.purpose != consent.purpose:
        raise ConsentPurposeError(f"The consent is for the purpose {consent.purpose!r}, and not for {use.purpose!r}.")
    return consent


def _over() -> FieldsInvalidError:
    error = FieldError("valid_until", "must be in the future", "consent_over")
    return FieldsInvalidError("The consent would be over already.", errors=[error])
