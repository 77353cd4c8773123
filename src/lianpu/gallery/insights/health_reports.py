"""The latest health report, and what is done about its findings: mended after a second look, or called fine."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lianpu.database.session import Database
from lianpu.errors import (
    FieldError,
    FieldsInvalidError,
    FindingNotFoundError,
    FindingOutdatedError,
    ReportNotFoundError,
)
from lianpu.gallery.insights.health import KIND, HealthCheck
from lianpu.gallery.insights.health_findings import FindingKind, Found
from lianpu.gallery.insights.health_schemas import HealthFinding, HealthReport
from lianpu.gallery.insights.look_alikes import own_threshold_for
from lianpu.gallery.insights.repository import InsightsRepository
from lianpu.gallery.moves.moves import Moves
from lianpu.gallery.packs.reembedding import ReembeddingRequests
from lianpu.gallery.persons import Persons
from lianpu.jobs.jobs import Jobs
from lianpu.packs.folder import folder_name

NUMBERED = re.compile(r"^(?P<action>[a-z_]+?)(_(?P<number>\d+))?$")


@dataclass(frozen=True, slots=True)
class LatestReport:
    job_id: str
    checked_at: datetime
    report: HealthReport
    """With the findings that still stand."""
    dismissed: int
    outdated: int


class HealthReports:
    def __init__(
        self,
        database: Database,
        check: HealthCheck,
        persons: Persons,
        moves: Moves,
        reembedding: ReembeddingRequests,
    ) -> None:
        self._database = database
        self._check = check
        self._persons = persons
        self._moves = moves
        self._reembedding = reembedding

    async def latest(self, jobs: Jobs, *, with_dismissed: bool = False) -> LatestReport:
        """Findings about persons and images that have changed since are left out, and so are dismissed ones.

        Raises:
            ReportNotFoundError: none was made, or it was cleared away.
        """
        job_id, checked_at, report = await self._stored(jobs)
        async with self._database.session() as session:
            repository = InsightsRepository(session)
            dismissed = await repository.dismissed()
            stands = await _standing(repository, report)
        there = [finding for finding in report.findings if stands(finding)]
        shown = [finding for finding in there if with_dismissed or finding.finding_id not in dismissed]
        return LatestReport(
            job_id,
            checked_at,
            report.model_copy(update={"findings": shown}),
            dismissed=len(there) - len(shown),
            outdated=len(report.findings) - len(there),
        )

    async def apply(self, jobs: Jobs, finding_id: str, action: str) -> None:
        """Mend a finding in one of the ways it offers, if it still holds.

        Raises:
            ReportNotFoundError, FindingNotFoundError: there is no such report or finding.
            FieldsInvalidError: the finding offers no such action.
            FindingOutdatedError: the gallery has changed and the finding does not hold any more.
        """
        report, finding = await self._finding(jobs, finding_id)
        offered = [item.action for item in finding.actions]
        if action not in offered:
            message = f"is none of {', '.join(offered)}"
            raise FieldsInvalidError(
                "The finding has no such action.", errors=[FieldError("action", message, "unknown_action")]
            )
        if action == "dismiss":
            await self._dismiss(finding)
            return
        person_ids = [person.person_id for person in finding.persons]
        found = (await self._check.find_again(folder_name(report.pack, report.pack_version), person_ids)).get(
            finding_id
        )
        if found is None:
            raise FindingOutdatedError(
                "The gallery has changed since the report: this no longer holds, and nothing was done."
            )
        await self._perform(jobs, found, action)

    async def dismiss(self, jobs: Jobs, finding_id: str) -> None:
        """Call it fine: it does not come back, in this report or another.

        Raises:
            ReportNotFoundError, FindingNotFoundError: there is no such report or finding.
        """
        _, finding = await self._finding(jobs, finding_id)
        await self._dismiss(finding)

    async def undismiss(self, finding_id: str) -> None:
        """Harmless where nothing was dismissed."""
        async with self._database.session() as session:
            await InsightsRepository(session).undismiss(finding_id)
            await session.commit()

    async def _perform(self, jobs: Jobs, found: Found, action: str) -> None:
        match = NUMBERED.match(action)
        assert match is not None
        place = int(match["number"] or 1) - 1
        match match["action"]:
            case "delete_image":
                await self._persons.delete_image(*found.images[place])
            case "move_image":
                (person_id, image_id), *_ = found.images
                await self._moves.move(person_id, image_id, found.person_ids[1])
            case "merge":
                kept, merged = found.person_ids if place == 0 else found.person_ids[::-1]
                await self._moves.merge(kept, merged)
            case "set_threshold":
                assert found.score is not None
                threshold = own_threshold_for(found.score)
                await self._persons.update(found.person_ids[place], {"threshold": threshold})
            case "generate_features":
                await self._reembedding.person(jobs, found.person_ids[0], found.scope)
            case unknown:
                raise AssertionError(f"a finding offers {unknown}, which nothing performs")

    async def _dismiss(self, finding: HealthFinding) -> None:
        async with self._database.session() as session:
            await InsightsRepository(session).dismiss(finding.finding_id, finding.kind)
            await session.commit()

    async def _finding(self, jobs: Jobs, finding_id: str) -> tuple[HealthReport, HealthFinding]:
        _, _, report = await self._stored(jobs)
        for finding in report.findings:
            if finding.finding_id == finding_id:
                return report, finding
        raise FindingNotFoundError(f"The latest health report has no finding {finding_id!r}.")

    async def _stored(self, jobs: Jobs) -> tuple[str, datetime, HealthReport]:
        job = await jobs.latest(KIND)
        if job is None or job.finished_at is None:
            raise ReportNotFoundError("There is no health report yet: POST /api/v1/gallery/health makes one.")
        return job.id, job.finished_at, HealthReport.model_validate(job.result)


async def _standing(repository: InsightsRepository, report: HealthReport) -> Callable[[HealthFinding], bool]:
    """Tells findings whose persons and images are as they were, as far as can be seen without comparing faces."""
    findings = report.findings
    persons = await repository.persons(sorted({item.person_id for one in findings for item in one.persons}))
    owners = await repository.owners(sorted({item.image_id for one in findings for item in one.images}))
    without = [one.persons[0].person_id for one in findings if one.kind is FindingKind.NO_EMBEDDING]
    key = (report.pack, report.pack_version)
    lacking = {person_id for person_id, _ in await repository.without_embedding(key, without)}

    def stands(finding: HealthFinding) -> bool:
        people = [persons.get(item.person_id) for item in finding.persons]
        if any(person is None for person in people):
            return False
        if any(owners.get(item.image_id) != item.person_id for item in finding.images):
            return False
        if finding.kind is FindingKind.NO_EMBEDDING:
            return finding.persons[0].person_id in lacking
        if finding.kind is FindingKind.LOOK_ALIKES and finding.score is not None:
            # Own thresholds above their score keep the two apart.
            own = [None if person is None else person.threshold for person in people]
            return not all(value is not None and value > finding.score for value in own)
        return True

    return stands
