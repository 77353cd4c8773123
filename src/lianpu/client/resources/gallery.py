"""Calls about the gallery as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from lianpu.client.answers import AppliedFinding, Calibration, DismissedFinding, HealthCheck, Job, Shadow, SigningKey
from lianpu.client.operation import download, operation
from lianpu.client.request import Content, Download, Json, Nullable, Request, given
from lianpu.client.uploads import Source, Target, Upload


class GalleryCalls:
    """Embeddings made anew, consistency, and a pack tried in the shadow of another."""

    @operation
    def reembed(self, pack: str, *, retry_failed: bool | None = None) -> Request[Job]:
        """Make a pack's missing embeddings of all images. Asking again while it runs gives the same job."""
        return Request(
            "POST",
            "/api/v1/gallery/reembed",
            Json(Job, "job"),
            json=given({"pack": pack, "retry_failed": retry_failed}),
        )

    @operation
    def check(self, *, repair: bool | None = None, quick: bool | None = None) -> Request[Job]:
        """Prove that database, files and indexes agree; the job's result has every finding."""
        return Request(
            "POST", "/api/v1/gallery/check", Json(Job, "job"), json=given({"repair": repair, "quick": quick})
        )

    @operation
    def shadow(self) -> Request[Shadow | None]:
        """How far the candidate agrees with the active pack."""
        return Request("GET", "/api/v1/gallery/shadow", Nullable(Shadow, "shadow"))

    @operation
    def start_shadow(self, pack: str, *, sample_rate: float | None = None) -> Request[Shadow | None]:
        """Repeat searches by a candidate, behind the answers of the active pack, and compare."""
        return Request(
            "PUT",
            "/api/v1/gallery/shadow",
            Nullable(Shadow, "shadow"),
            json=given({"pack": pack, "sample_rate": sample_rate}),
        )

    @operation
    def stop_shadow(self) -> Request[Shadow | None]:
        """End it; the answer is the last report, after which the counts are forgotten."""
        return Request("DELETE", "/api/v1/gallery/shadow", Nullable(Shadow, "shadow"))


class CalibrationCalls:
    """Thresholds measured on one's own persons."""

    @operation
    def start(
        self,
        *,
        pack: str | None = None,
        wanted_fmr: float | None = None,
        expected_false_matches: float | None = None,
        confidence: float | None = None,
    ) -> Request[Job]:
        """Find out from your own people's scores what each threshold means, and which one gives a wanted rate."""
        return Request(
            "POST",
            "/api/v1/gallery/calibrate",
            Json(Job, "job"),
            json=given(
                {
                    "pack": pack,
                    "wanted_fmr": wanted_fmr,
                    "expected_false_matches": expected_false_matches,
                    "confidence": confidence,
                }
            ),
        )

    @operation
    def get(self, *, pack: str | None = None) -> Request[Calibration]:
        """The last calibration that was completed."""
        return Request("GET", "/api/v1/gallery/calibrate", Json(Calibration), query={"pack": pack})

    @operation
    def plot(
        self, job_id: str, name: Literal["error_rates.png", "error_rates.svg", "histogram.png", "histogram.svg"]
    ) -> Request[bytes]:
        """A picture of a calibration: error rates over the threshold, or the scores' histogram."""
        return Request(
            "GET", "/api/v1/gallery/calibrate/{job_id}/plots/{name}", Content(), path={"job_id": job_id, "name": name}
        )


class GalleryHealthCalls:
    """Images in the wrong place, persons enrolled twice, poor photos."""

    @operation
    def start(self, *, pack: str | None = None) -> Request[Job]:
        """Look for images in the wrong place, persons enrolled twice, look-alikes and poor images."""
        return Request("POST", "/api/v1/gallery/health", Json(Job, "job"), json=given({"pack": pack}))

    @operation
    def get(self, *, dismissed: bool | None = None) -> Request[HealthCheck]:
        """The latest report, without what was dismissed or has changed since."""
        return Request("GET", "/api/v1/gallery/health", Json(HealthCheck), query={"dismissed": dismissed})

    @operation
    def apply(self, finding_id: str, action: str) -> Request[AppliedFinding]:
        """Do what one of the finding's actions says, if the finding still holds."""
        return Request(
            "POST",
            "/api/v1/gallery/health/findings/{finding_id}/apply",
            Json(AppliedFinding),
            path={"finding_id": finding_id},
            json=given({"action": action}),
        )

    @operation
    def dismiss(self, finding_id: str) -> Request[DismissedFinding]:
        """This is fine: do not report it again."""
        return Request(
            "POST",
            "/api/v1/gallery/health/findings/{finding_id}/dismiss",
            Json(DismissedFinding),
            path={"finding_id": finding_id},
        )

    @operation
    def undismiss(self, finding_id: str) -> Request[DismissedFinding]:
        """Report it again."""
        return Request(
            "DELETE",
            "/api/v1/gallery/health/findings/{finding_id}/dismiss",
            Json(DismissedFinding),
            path={"finding_id": finding_id},
        )


class TransferCalls:
    """The gallery as a signed archive, and back."""

    @operation
    def signing_key(self) -> Request[SigningKey]:
        """Whose archives these are: what other installations are to trust."""
        return Request("GET", "/api/v1/gallery/signing-key", Json(SigningKey))

    @operation
    def export(
        self,
        *,
        person_ids: Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
        include_images: bool | None = None,
        include_embeddings: bool | None = None,
        passphrase: str | None = None,
    ) -> Request[Job]:
        """Make a signed archive of the gallery, of some persons, or of those that a filter finds."""
        return Request(
            "POST",
            "/api/v1/gallery/export",
            Json(Job, "job"),
            json=given(
                {
                    "person_ids": person_ids,
                    "filter": where,
                    "include_images": include_images,
                    "include_embeddings": include_embeddings,
                    "passphrase": passphrase,
                }
            ),
        )

    @download
    def archive(self, job_id: str, to: Target) -> Download:
        """The archive of a completed export."""
        return Download(
            Request("GET", "/api/v1/gallery/exports/{job_id}/archive", Content(), path={"job_id": job_id}), to
        )

    @operation
    def examine(
        self,
        archive: Source,
        *,
        dry_run: bool | None = None,
        on_conflict: Literal["fail", "skip", "merge"] | None = None,
        trust: str | None = None,
        passphrase: str | None = None,
        idempotency_key: str | None = None,
    ) -> Request[Job]:
        """Take in an archive, sent as the raw body. Everything about it is checked before anything is changed."""
        return Request(
            "POST",
            "/api/v1/gallery/import",
            Json(Job, "job"),
            query={"dry_run": dry_run, "on_conflict": on_conflict, "trust": trust},
            headers={
                "Content-Type": "application/zip",
                # A header holds no other letters.
                "X-Archive-Passphrase": None if passphrase is None else quote(passphrase, safe=""),
                "Idempotency-Key": idempotency_key,
            },
            body=Upload(archive),
            is_safe_to_repeat=idempotency_key is not None,
        )

    @operation
    def apply(self, job_id: str, *, on_conflict: Literal["fail", "skip", "merge"] | None = None) -> Request[Job]:
        """Take in the archive that a dry run has examined, without sending it again."""
        return Request(
            "POST",
            "/api/v1/gallery/imports/{job_id}/apply",
            Json(Job, "job"),
            path={"job_id": job_id},
            json=given({"on_conflict": on_conflict}),
        )
