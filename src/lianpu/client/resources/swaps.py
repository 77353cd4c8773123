"""Calls about swapping faces: by consent, always labelled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from lianpu.client.answers import Consent, Job, LiveSwap, SwapCheck, SwapEngine, SwapPolicy
from lianpu.client.operation import download, listing, operation
from lianpu.client.request import Content, Download, Json, Listing, Nothing, Request, given
from lianpu.client.resources.options import SwapKind
from lianpu.client.uploads import Source, Target, Upload


class SwapCalls:
    """Faces put onto photos and videos."""

    @operation
    def policy(self) -> Request[SwapPolicy]:
        """Whether faces may be swapped here, within which limits, and how outputs are labelled."""
        return Request("GET", "/api/v1/swap/policy", Json(SwapPolicy))

    @operation
    def set_policy(self, *, visible_label: bool) -> Request[SwapPolicy]:
        """Leave the visible label out, or put it back. The other labels cannot be removed."""
        return Request("PUT", "/api/v1/swap/policy", Json(SwapPolicy), json=given({"visible_label": visible_label}))

    @operation
    def engines(self) -> Request[tuple[SwapEngine, ...]]:
        """What each engine can do, whether it is ready, and if not, why and what to do."""
        return Request("GET", "/api/v1/swap/engines", Json(tuple[SwapEngine, ...], "engines"))

    @operation
    def check(self, *, consent_id: str, purpose: str, kind: SwapKind, engine: str | None = None) -> Request[SwapCheck]:
        """Whether a swap would be made, without sending anything; raises what would stand against it."""
        return Request(
            "POST",
            "/api/v1/swap/check",
            Json(SwapCheck),
            json=given({"consent_id": consent_id, "purpose": purpose, "kind": kind, "engine": engine}),
            is_safe_to_repeat=True,
        )

    @operation
    def start(
        self,
        target: Source,
        *,
        consent_id: str,
        purpose: str,
        idempotency_key: str | None = None,
        engine: str | None = None,
        all_faces: bool | None = None,
        preview: bool | None = None,
        output_format: Literal["jpeg", "png", "webp"] | None = None,
    ) -> Request[Job]:
        """Put the face of a consenting person onto a photo or video, as a job of the kind `swap.run`."""
        return Request(
            "POST",
            "/api/v1/swap",
            Json(Job, "job"),
            headers={"Idempotency-Key": idempotency_key},
            form={
                "consent_id": consent_id,
                "purpose": purpose,
                "engine": engine,
                "all_faces": all_faces,
                "preview": preview,
                "output_format": output_format,
            },
            files=[("target", Upload(target))],
            is_safe_to_repeat=idempotency_key is not None,
        )

    @operation
    def fetch(self, job_id: str) -> Request[bytes]:
        """The labelled photo or video of one's own job, for `swap.result_ttl_minutes`."""
        return Request("GET", "/api/v1/swap/results/{job_id}", Content(), path={"job_id": job_id})

    @download
    def save(self, job_id: str, to: Target) -> Download:
        """The same, to a file."""
        return Download(Request("GET", "/api/v1/swap/results/{job_id}", Content(), path={"job_id": job_id}), to)

    @operation
    def delete(self, job_id: str) -> Request[None]:
        """Delete a result before its time is over. What is on record about it stays."""
        return Request("DELETE", "/api/v1/swap/results/{job_id}", Nothing(), path={"job_id": job_id})


class ConsentCalls:
    """Whose face may be used for what."""

    @operation
    def record(
        self,
        person_id: str,
        *,
        grantor: str,
        purpose: str,
        scopes: Sequence[SwapKind],
        valid_until: datetime,
        evidence_sha256: str,
        evidence_name: str,
        note: str | None = None,
    ) -> Request[Consent]:
        """Record that a person of the gallery consents to the use of their face."""
        return Request(
            "POST",
            "/api/v1/swap/consents",
            Json(Consent, "consent"),
            json=given(
                {
                    "person_id": person_id,
                    "grantor": grantor,
                    "purpose": purpose,
                    "scopes": scopes,
                    "valid_until": valid_until,
                    "evidence_sha256": evidence_sha256,
                    "evidence_name": evidence_name,
                    "note": note,
                }
            ),
        )

    @listing
    def list(
        self, *, person_id: str | None = None, valid: bool | None = None, page_size: int | None = None
    ) -> Listing[Consent]:
        """Newest first."""
        return Listing(
            Request(
                "GET",
                "/api/v1/swap/consents",
                Json(tuple[Consent, ...], "consents"),
                query={"person_id": person_id, "valid": valid, "limit": page_size},
            ),
        )

    @operation
    def get(self, consent_id: str) -> Request[Consent]:
        """Whose face may be used for what, and whether it still may."""
        return Request(
            "GET", "/api/v1/swap/consents/{consent_id}", Json(Consent, "consent"), path={"consent_id": consent_id}
        )

    @operation
    def update(
        self, consent_id: str, *, valid_until: datetime | None = None, note: str | None = None
    ) -> Request[Consent]:
        """Let it end sooner, or change the note. What it permits cannot be widened: record a new one instead."""
        return Request(
            "PATCH",
            "/api/v1/swap/consents/{consent_id}",
            Json(Consent, "consent"),
            path={"consent_id": consent_id},
            json=given({"valid_until": valid_until, "note": note}),
        )

    @operation
    def revoke(self, consent_id: str, *, reason: str | None = None) -> Request[Consent]:
        """Swaps that wait or run by it stop, live ones within a second. There is no way back: record a new consent."""
        return Request(
            "POST",
            "/api/v1/swap/consents/{consent_id}/revoke",
            Json(Consent, "consent"),
            path={"consent_id": consent_id},
            json=given({"reason": reason}),
        )

    @operation
    def delete(self, consent_id: str) -> Request[None]:
        """Delete one that was never used; `consent_used`: revoke it instead."""
        return Request("DELETE", "/api/v1/swap/consents/{consent_id}", Nothing(), path={"consent_id": consent_id})


class LiveSwapCalls:
    """Faces put onto a running stream."""

    @operation
    def list(self) -> Request[tuple[LiveSwap, ...]]:
        """One's own, those that run first."""
        return Request("GET", "/api/v1/swap/live", Json(tuple[LiveSwap, ...], "live_swaps"))

    @operation
    def start(
        self,
        *,
        stream_id: str,
        consent_id: str,
        purpose: str,
        engine: str | None = None,
        all_faces: bool | None = None,
        virtual_camera: bool | None = None,
    ) -> Request[LiveSwap]:
        """Swap a face on a running stream; every frame is labelled. Needs `streams:read`, too."""
        return Request(
            "POST",
            "/api/v1/swap/live",
            Json(LiveSwap, "live_swap"),
            json=given(
                {
                    "stream_id": stream_id,
                    "consent_id": consent_id,
                    "purpose": purpose,
                    "engine": engine,
                    "all_faces": all_faces,
                    "virtual_camera": virtual_camera,
                }
            ),
        )

    @operation
    def get(self, live_id: str) -> Request[LiveSwap]:
        """State, rates, and an address to watch it at."""
        return Request("GET", "/api/v1/swap/live/{live_id}", Json(LiveSwap, "live_swap"), path={"live_id": live_id})

    @operation
    def stop(self, live_id: str) -> Request[LiveSwap]:
        """End it; the stream itself goes on."""
        return Request(
            "POST", "/api/v1/swap/live/{live_id}/stop", Json(LiveSwap, "live_swap"), path={"live_id": live_id}
        )
