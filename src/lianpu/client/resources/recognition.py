"""Calls that recognise faces; nothing of them is stored."""

from typing import Literal

from lianpu.client.answers import Comparison, Detection, FaceEmbeddings, SearchResult
from lianpu.client.operation import operation
from lianpu.client.request import Json, Request
from lianpu.client.resources.options import FaceSelection, LivenessMode
from lianpu.client.uploads import Source, Upload


class RecognitionCalls:
    """Detect, embed, search and compare."""

    @operation
    def detect(
        self,
        image: Source,
        *,
        pack: str | None = None,
        liveness_mode: LivenessMode | None = None,
    ) -> Request[Detection]:
        """Boxes, landmarks and quality of all faces, largest first; age and gender where the pack has them."""
        return Request(
            "POST",
            "/api/v1/detect",
            Json(Detection),
            form={"pack": pack, "liveness_mode": liveness_mode},
            files=[("image", Upload(image))],
            is_safe_to_repeat=True,
        )

    @operation
    def embed(
        self,
        image: Source,
        *,
        pack: str | None = None,
        liveness_mode: LivenessMode | None = None,
    ) -> Request[FaceEmbeddings]:
        """The embedding of every face, for callers with a store of their own."""
        return Request(
            "POST",
            "/api/v1/embeddings",
            Json(FaceEmbeddings),
            form={"pack": pack, "liveness_mode": liveness_mode},
            files=[("image", Upload(image))],
            is_safe_to_repeat=True,
        )

    @operation
    def search(
        self,
        image: Source,
        *,
        pack: str | None = None,
        liveness_mode: LivenessMode | None = None,
        threshold: float | None = None,
        top_k: int | None = None,
        faces: Literal["all", "largest"] | None = None,
    ) -> Request[SearchResult]:
        """1:N: who is on the photo? Every face with its nearest persons; a face nobody matches is unknown."""
        return Request(
            "POST",
            "/api/v1/search",
            Json(SearchResult),
            form={"pack": pack, "liveness_mode": liveness_mode, "threshold": threshold, "top_k": top_k, "faces": faces},
            files=[("image", Upload(image))],
            is_safe_to_repeat=True,
        )

    @operation
    def compare(
        self,
        first: Source,
        second: Source,
        *,
        pack: str | None = None,
        liveness_mode: LivenessMode | None = None,
        threshold: float | None = None,
        face_selection: FaceSelection | None = None,
    ) -> Request[Comparison]:
        """1:1: do two photos show the same person?"""
        return Request(
            "POST",
            "/api/v1/compare",
            Json(Comparison),
            form={
                "pack": pack,
                "liveness_mode": liveness_mode,
                "threshold": threshold,
                "face_selection": face_selection,
            },
            files=[("image", Upload(first)), ("image", Upload(second))],
            is_safe_to_repeat=True,
        )
