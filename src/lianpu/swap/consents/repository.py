"""Every query of consents and of the swap policy."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.errors import ConsentNotFoundError
from lianpu.swap.consents.models import SwapConsent, SwapPolicy

POLICY_ROW = 1


class ConsentRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, consent: SwapConsent) -> None:
        self._session.add(consent)

    async def find(self, consent_id: str) -> SwapConsent | None:
        return await self._session.get(SwapConsent, consent_id)

    async def consent(self, consent_id: str) -> SwapConsent:
        """
        Raises:
            ConsentNotFoundError: there is no such consent.
        """
        consent = await self.find(consent_id)
        if consent is None:
            raise ConsentNotFoundError(f"There is no consent {consent_id!r}.")
        return consent

    async def consents(
        self, person_id: str | None, usable_at: datetime | None, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[SwapConsent]:
        """Newest first.

        Args:
            usable_at: only those that are neither revoked nor over at this moment, and whose person is there.
        """
        query = select(SwapConsent).order_by(SwapConsent.created_at.desc(), SwapConsent.id.desc()).limit(limit)
        if person_id is not None:
            query = query.where(SwapConsent.person_id == person_id)
        if usable_at is not None:
            query = query.where(SwapConsent.revoked_at.is_(None), SwapConsent.valid_until > usable_at)
            query = query.where(SwapConsent.person_id.is_not(None))
        if after is not None:
            moment, consent_id = after
            earlier = and_(SwapConsent.created_at == moment, SwapConsent.id < consent_id)
            query = query.where(or_(SwapConsent.created_at < moment, earlier))
        return (await self._session.scalars(query)).all()

    async def revoke(self, consent_id: str, by: str, reason: str, now: datetime) -> bool:
        """Whether it was good until now."""
        values = {"revoked_at": now, "revoked_by": by, "revocation_reason": reason}
        query = update(SwapConsent).where(SwapConsent.id == consent_id, SwapConsent.revoked_at.is_(None))
        changed = cast(CursorResult[Any], await self._session.execute(query.values(**values)))
        return changed.rowcount > 0

    async def count_use(self, consent_id: str, now: datetime) -> None:
        query = update(SwapConsent).where(SwapConsent.id == consent_id)
        await self._session.execute(query.values(uses=SwapConsent.uses + 1, last_used_at=now))

    async def delete(self, consent: SwapConsent) -> None:
        await self._session.delete(consent)

    async def policy(self) -> SwapPolicy | None:
        return await self._session.get(SwapPolicy, POLICY_ROW)

    async def set_policy(self, *, visible_label: bool, by: str, now: datetime) -> SwapPolicy:
        policy = await self.policy()
        if policy is None:
            policy = SwapPolicy(id=POLICY_ROW, visible_label=visible_label, changed_by=by, changed_at=now)
            self._session.add(policy)
        else:
            policy.visible_label, policy.changed_by, policy.changed_at = visible_label, by, now
        await self._session.flush()
        return policy
