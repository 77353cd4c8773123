"""Calls about faces of streams that nobody knows yet."""

from collections.abc import Mapping
from typing import Any

from lianpu.client.answers import NamedUnknown, Purged, Unknown, UnknownDetail
from lianpu.client.operation import listing, operation
from lianpu.client.request import Content, Json, Listing, Request, given


class UnknownCalls:
    """The inbox of unknown persons."""

    @listing
    def list(self, *, stream_id: str | None = None, page_size: int | None = None) -> Listing[Unknown]:
        """People whom streams could not name, who was seen last first."""
        return Listing(
            Request(
                "GET",
                "/api/v1/stream/unknowns",
                Json(tuple[Unknown, ...], "unknowns"),
                query={"stream_id": stream_id, "limit": page_size},
            ),
        )

    @operation
    def get(self, unknown_id: str) -> Request[UnknownDetail]:
        """With the faces it was seen by."""
        return Request(
            "GET", "/api/v1/stream/unknowns/{unknown_id}", Json(UnknownDetail), path={"unknown_id": unknown_id}
        )

    @operation
    def crop(self, unknown_id: str) -> Request[bytes]:
        """The best face, with some room around it, as JPEG."""
        return Request("GET", "/api/v1/stream/unknowns/{unknown_id}/crop", Content(), path={"unknown_id": unknown_id})

    @operation
    def face_crop(self, unknown_id: str, face_id: str) -> Request[bytes]:
        """One face, as JPEG."""
        return Request(
            "GET",
            "/api/v1/stream/unknowns/{unknown_id}/faces/{face_id}/crop",
            Content(),
            path={"unknown_id": unknown_id, "face_id": face_id},
        )

    @operation
    def name(
        self, unknown_id: str, *, person_id: str | None = None, new_person: Mapping[str, Any] | None = None
    ) -> Request[NamedUnknown]:
        """Make a new person of the faces, or add them to one who exists; the unknown person is then gone."""
        return Request(
            "POST",
            "/api/v1/stream/unknowns/{unknown_id}/name",
            Json(NamedUnknown),
            path={"unknown_id": unknown_id},
            json=given({"person_id": person_id, "new_person": new_person}),
        )

    @operation
    def veto(self, unknown_id: str, person_id: str) -> Request[UnknownDetail]:
        """This is not that person: never suggested again, and streams do not take it for them."""
        return Request(
            "POST",
            "/api/v1/stream/unknowns/{unknown_id}/vetoes",
            Json(UnknownDetail),
            path={"unknown_id": unknown_id},
            json=given({"person_id": person_id}),
        )

    @operation
    def withdraw_veto(self, unknown_id: str, person_id: str) -> Request[UnknownDetail]:
        """It may be that person after all."""
        return Request(
            "DELETE",
            "/api/v1/stream/unknowns/{unknown_id}/vetoes/{person_id}",
            Json(UnknownDetail),
            path={"unknown_id": unknown_id, "person_id": person_id},
        )

    @operation
    def move_face(self, unknown_id: str, face_id: str, *, to_unknown_id: str | None = None) -> Request[UnknownDetail]:
        """Give a face to another unknown person, or make one of it; answers with who has it now."""
        return Request(
            "POST",
            "/api/v1/stream/unknowns/{unknown_id}/faces/{face_id}/move",
            Json(UnknownDetail),
            path={"unknown_id": unknown_id, "face_id": face_id},
            json=given({"to_unknown_id": to_unknown_id}),
        )

    @operation
    def merge(self, unknown_id: str, other_id: str) -> Request[UnknownDetail]:
        """The other unknown person becomes part of this one."""
        return Request(
            "POST",
            "/api/v1/stream/unknowns/{unknown_id}/merge",
            Json(UnknownDetail),
            path={"unknown_id": unknown_id},
            json=given({"unknown_id": other_id}),
        )

    @operation
    def purge(self, unknown_id: str) -> Request[Purged]:
        """The unknown person is gone, with all faces. There is no way back."""
        return Request("DELETE", "/api/v1/stream/unknowns/{unknown_id}", Json(Purged), path={"unknown_id": unknown_id})

    @operation
    def purge_all(self) -> Request[Purged]:
        """Everybody in the inbox is gone, with all faces. There is no way back."""
        return Request("DELETE", "/api/v1/stream/unknowns", Json(Purged))
