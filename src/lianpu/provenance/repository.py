"""Every query of labelled outputs."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.provenance.models import LabelledOutput


class ProvenanceRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def keep(self, output: LabelledOutput) -> None:
        """A job that is run again after a crash labels its output again: the last one counts."""
        await self._session.merge(output)

    async def of_marks(self, marks: Sequence[str]) -> Sequence[LabelledOutput]:
        if not marks:
            return []
        return (await self._session.scalars(select(LabelledOutput).where(LabelledOutput.mark.in_(marks)))).all()
