"""Calls about persons, their images, and enrolment."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from lianpu.client.answers import (
    DeletionReceipt,
    Deletions,
    Enrolment,
    Job,
    Merge,
    Move,
    Person,
    PersonDetail,
    PersonImage,
)
from lianpu.client.operation import listing, operation
from lianpu.client.request import UNSET, Content, Json, Listing, Request, Unset, given, said
from lianpu.client.resources.options import CheckMode, FaceSelection, LivenessMode
from lianpu.client.uploads import Source, Upload


class PersonCalls:
    """The gallery: persons and their images."""

    @operation
    def enrol(
        self,
        image: Source,
        *,
        face_index: int | None = None,
        face_selection: FaceSelection | None = None,
        models_to_generate: Sequence[str] | None = None,
        quality_mode: CheckMode | None = None,
        conflict_mode: CheckMode | None = None,
        liveness_mode: LivenessMode | None = None,
        person_id: str | None = None,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        threshold: float | None = None,
    ) -> Request[Enrolment]:
        """Enrol a person with a photo, or add the photo to the person whose id is given."""
        return Request(
            "POST",
            "/api/v1/faces",
            Json(Enrolment),
            form={
                "face_index": face_index,
                "face_selection": face_selection,
                "models_to_generate": models_to_generate,
                "quality_mode": quality_mode,
                "conflict_mode": conflict_mode,
                "liveness_mode": liveness_mode,
                "person_id": person_id,
                "name": name,
                "metadata": metadata,
                "threshold": threshold,
            },
            files=[("image", Upload(image))],
        )

    @operation
    def enrol_batch(
        self,
        *,
        idempotency_key: str | None = None,
        archive: Source | None = None,
        photos: Mapping[str, Source] | None = None,
        manifest: str | None = None,
        face_selection: FaceSelection | None = None,
        models_to_generate: Sequence[str] | None = None,
        quality_mode: CheckMode | None = None,
        conflict_mode: CheckMode | None = None,
        liveness_mode: LivenessMode | None = None,
        on_existing: Literal["add", "skip"] | None = None,
        dry_run: bool | None = None,
    ) -> Request[Job]:
        """Enrol many photos in the background; each has its own outcome.

        Args:
            archive: zip, tar or tar.gz of `person/….jpg` folders; or else
            photos: by the names that an archive would hold them under.
            manifest: JSON or CSV: which file is who.
            idempotency_key: the same key with the same content gives the same job, so that the call may be repeated.
        """
        uploads = [] if archive is None else [("archive", Upload(archive))]
        uploads += [("image", Upload(photo, name)) for name, photo in (photos or {}).items()]
        return Request(
            "POST",
            "/api/v1/faces/batch",
            Json(Job, "job"),
            headers={"Idempotency-Key": idempotency_key},
            form={
                "manifest": manifest,
                "face_selection": face_selection,
                "models_to_generate": models_to_generate,
                "quality_mode": quality_mode,
                "conflict_mode": conflict_mode,
                "liveness_mode": liveness_mode,
                "on_existing": on_existing,
                "dry_run": dry_run,
            },
            files=uploads,
            is_safe_to_repeat=idempotency_key is not None,
        )

    @listing
    def list(
        self,
        *,
        name: str | None = None,
        pack: str | None = None,
        metadata: Mapping[str, str] | None = None,
        page_size: int | None = None,
    ) -> Listing[Person]:
        """Persons, newest first.

        Args:
            name: part of it.
            pack: one that they can be found by, `name` or `name@version`.
            metadata: top-level keys and the text of their values; all must hold.
        """
        wanted = {f"metadata.{key}": value for key, value in (metadata or {}).items()}
        return Listing(
            Request(
                "GET",
                "/api/v1/faces",
                Json(tuple[Person, ...], "persons"),
                query={"limit": page_size, "name": name, "pack": pack, **wanted},
            ),
        )

    @operation
    def get(self, person_id: str) -> Request[PersonDetail]:
        """With all images."""
        return Request("GET", "/api/v1/faces/{person_id}", Json(PersonDetail), path={"person_id": person_id})

    @operation
    def replace(
        self, person_id: str, name: str, *, metadata: Mapping[str, Any] | None = None, threshold: float | None = None
    ) -> Request[Person]:
        """What is left out goes back to its default."""
        return Request(
            "PUT",
            "/api/v1/faces/{person_id}",
            Json(Person, "person"),
            path={"person_id": person_id},
            json=given({"name": name, "metadata": metadata, "threshold": threshold}),
        )

    @operation
    def update(
        self,
        person_id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        threshold: float | Unset | None = UNSET,
    ) -> Request[Person]:
        """Change what is given; `threshold=None` takes the person's own away."""
        return Request(
            "PATCH",
            "/api/v1/faces/{person_id}",
            Json(Person, "person"),
            path={"person_id": person_id},
            json=given({"name": name, "metadata": metadata}) | said({"threshold": threshold}),
        )

    @operation
    def delete(self, person_id: str) -> Request[DeletionReceipt]:
        """Remove the person with all images, embeddings and files. The receipt says what is gone."""
        return Request(
            "DELETE", "/api/v1/faces/{person_id}", Json(DeletionReceipt, "receipt"), path={"person_id": person_id}
        )

    @operation
    def delete_many(self, person_ids: Sequence[str]) -> Request[Deletions]:
        """Remove persons with all they have, each for itself: one who is not there keeps no other."""
        return Request("DELETE", "/api/v1/faces/batch", Json(Deletions), json=given({"person_ids": person_ids}))

    @operation
    def thumbnail(self, person_id: str) -> Request[bytes]:
        """A JPEG square of the face on the person's primary image."""
        return Request("GET", "/api/v1/faces/{person_id}/thumbnail", Content(), path={"person_id": person_id})

    @operation
    def images(self, person_id: str) -> Request[tuple[PersonImage, ...]]:
        """The person's images: the primary one first, then newest first."""
        return Request(
            "GET",
            "/api/v1/faces/{person_id}/images",
            Json(tuple[PersonImage, ...], "images"),
            path={"person_id": person_id},
        )

    @operation
    def add_image(
        self,
        person_id: str,
        image: Source,
        *,
        face_index: int | None = None,
        face_selection: FaceSelection | None = None,
        models_to_generate: Sequence[str] | None = None,
        quality_mode: CheckMode | None = None,
        conflict_mode: CheckMode | None = None,
        liveness_mode: LivenessMode | None = None,
    ) -> Request[Enrolment]:
        """One more photo of a person who exists."""
        return Request(
            "POST",
            "/api/v1/faces/{person_id}/images",
            Json(Enrolment),
            path={"person_id": person_id},
            form={
                "face_index": face_index,
                "face_selection": face_selection,
                "models_to_generate": models_to_generate,
                "quality_mode": quality_mode,
                "conflict_mode": conflict_mode,
                "liveness_mode": liveness_mode,
            },
            files=[("image", Upload(image))],
        )

    @operation
    def image(self, person_id: str, image_id: str) -> Request[PersonImage]:
        """One image and what it was enrolled with."""
        return Request(
            "GET",
            "/api/v1/faces/{person_id}/images/{image_id}",
            Json(PersonImage, "image"),
            path={"person_id": person_id, "image_id": image_id},
        )

    @operation
    def replace_image(
        self,
        person_id: str,
        image_id: str,
        image: Source,
        *,
        face_index: int | None = None,
        face_selection: FaceSelection | None = None,
        models_to_generate: Sequence[str] | None = None,
        quality_mode: CheckMode | None = None,
        conflict_mode: CheckMode | None = None,
        liveness_mode: LivenessMode | None = None,
        keep_previous: bool | None = None,
    ) -> Request[Enrolment]:
        """A new version of the image, under an id of its own; the one before stays unless `keep_previous=False`."""
        return Request(
            "PUT",
            "/api/v1/faces/{person_id}/images/{image_id}",
            Json(Enrolment),
            path={"person_id": person_id, "image_id": image_id},
            form={
                "face_index": face_index,
                "face_selection": face_selection,
                "models_to_generate": models_to_generate,
                "quality_mode": quality_mode,
                "conflict_mode": conflict_mode,
                "liveness_mode": liveness_mode,
                "keep_previous": keep_previous,
            },
            files=[("image", Upload(image))],
        )

    @operation
    def make_primary(self, person_id: str, image_id: str) -> Request[PersonImage]:
        """Make this the person's primary image."""
        return Request(
            "PATCH",
            "/api/v1/faces/{person_id}/images/{image_id}",
            Json(PersonImage, "image"),
            path={"person_id": person_id, "image_id": image_id},
            json={"is_primary": True},
        )

    @operation
    def delete_image(self, person_id: str, image_id: str) -> Request[DeletionReceipt]:
        """With its embeddings and files; the newest of the others becomes primary if it was."""
        return Request(
            "DELETE",
            "/api/v1/faces/{person_id}/images/{image_id}",
            Json(DeletionReceipt, "receipt"),
            path={"person_id": person_id, "image_id": image_id},
        )

    @operation
    def image_content(self, person_id: str, image_id: str) -> Request[bytes]:
        """The photo, byte for byte as it was uploaded."""
        return Request(
            "GET",
            "/api/v1/faces/{person_id}/images/{image_id}/content",
            Content(),
            path={"person_id": person_id, "image_id": image_id},
        )

    @operation
    def image_thumbnail(self, person_id: str, image_id: str) -> Request[bytes]:
        """A JPEG square of the person's face on this image."""
        return Request(
            "GET",
            "/api/v1/faces/{person_id}/images/{image_id}/thumbnail",
            Content(),
            path={"person_id": person_id, "image_id": image_id},
        )

    @operation
    def move_image(
        self,
        person_id: str,
        image_id: str,
        *,
        to_person_id: str | None = None,
        new_person: Mapping[str, Any] | None = None,
        delete_empty: bool | None = None,
    ) -> Request[Move]:
        """Give an image to another person, or make a new person of it. Searches name the new one at once.

        Args:
            new_person: `name`, and optionally `person_id` and `metadata`.
            delete_empty: remove the person it came from when no image is left.
        """
        return Request(
            "POST",
            "/api/v1/faces/{person_id}/images/{image_id}/move",
            Json(Move),
            path={"person_id": person_id, "image_id": image_id},
            json=given({"to_person_id": to_person_id, "new_person": new_person, "delete_empty": delete_empty}),
        )

    @operation
    def merge(self, person_id: str, others: Sequence[str]) -> Request[Merge]:
        """Other persons become part of this one: their images move, and they are gone. All or nothing."""
        return Request(
            "POST",
            "/api/v1/faces/{person_id}/merge",
            Json(Merge),
            path={"person_id": person_id},
            json=given({"from": others}),
        )

    @operation
    def generate_features(self, person_id: str, *, model_name: str | None = None) -> Request[Job]:
        """Make a pack's missing embeddings of one person's images."""
        return Request(
            "POST",
            "/api/v1/faces/{person_id}/generate-features",
            Json(Job, "job"),
            path={"person_id": person_id},
            query={"model_name": model_name},
        )
