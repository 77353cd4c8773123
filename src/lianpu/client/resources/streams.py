"""Calls about live video and its recordings."""

from typing import Literal

from lianpu.client.answers import PushMessage, Recording, Recordings, Stream, StreamEvent, Streams
from lianpu.client.operation import download, event_stream, listing, operation
from lianpu.client.request import Content, Download, EventStream, Json, Listing, Nothing, Request, given
from lianpu.client.uploads import Target


class StreamCalls:
    """Live video whose faces are named."""

    @operation
    def start(
        self,
        source: str,
        *,
        name: str | None = None,
        lifetime_minutes: float | None = None,
        pack: str | None = None,
        threshold: float | None = None,
        detect_every: int | None = None,
        stop_when_unwatched: bool | None = None,
        permanent: bool | None = None,
        paced: bool | None = None,
        loop: bool | None = None,
    ) -> Request[Stream]:
        """Begin to read a source and to name who is in it; answers before the first frame is there."""
        return Request(
            "POST",
            "/api/v1/stream/start",
            Json(Stream, "stream"),
            json=given(
                {
                    "source": source,
                    "name": name,
                    "lifetime_minutes": lifetime_minutes,
                    "pack": pack,
                    "threshold": threshold,
                    "detect_every": detect_every,
                    "stop_when_unwatched": stop_when_unwatched,
                    "permanent": permanent,
                    "paced": paced,
                    "loop": loop,
                }
            ),
        )

    @operation
    def stop(self, stream_id: str) -> Request[Stream]:
        """End a stream; answers when nothing of it runs any more."""
        return Request("POST", "/api/v1/stream/stop", Json(Stream, "stream"), json=given({"stream_id": stream_id}))

    @operation
    def list(self, *, ended: bool | None = None) -> Request[Streams]:
        """The streams that run, and how they are."""
        return Request("GET", "/api/v1/stream", Json(Streams), query={"ended": ended})

    @operation
    def get(self, stream_id: str) -> Request[Stream]:
        """State and reason, rates, latency, viewers; and an address to watch it at."""
        return Request("GET", "/api/v1/stream/{stream_id}", Json(Stream, "stream"), path={"stream_id": stream_id})

    @operation
    def extend(self, stream_id: str, lifetime_minutes: float) -> Request[Stream]:
        """Let it run longer, or shorter."""
        return Request(
            "POST",
            "/api/v1/stream/{stream_id}/extend",
            Json(Stream, "stream"),
            path={"stream_id": stream_id},
            json=given({"lifetime_minutes": lifetime_minutes}),
        )

    @operation
    def pause_detection(self, stream_id: str) -> Request[Stream]:
        """Look for no faces; the picture goes on."""
        return Request(
            "POST", "/api/v1/stream/{stream_id}/pause", Json(Stream, "stream"), path={"stream_id": stream_id}
        )

    @operation
    def resume_detection(self, stream_id: str) -> Request[Stream]:
        """Look for faces again."""
        return Request(
            "POST", "/api/v1/stream/{stream_id}/resume", Json(Stream, "stream"), path={"stream_id": stream_id}
        )

    @operation
    def snapshot(self, stream_id: str) -> Request[bytes]:
        """The next picture with its names, as JPEG."""
        return Request("GET", "/api/v1/stream/{stream_id}/snapshot", Content(), path={"stream_id": stream_id})

    @listing
    def past_events(
        self,
        stream_id: str,
        *,
        kind: Literal["person_appeared", "person_left", "unknown_appeared", "unknown_left"] | None = None,
        person_id: str | None = None,
        page_size: int | None = None,
    ) -> Listing[StreamEvent]:
        """Who appeared and left, newest first."""
        return Listing(
            Request(
                "GET",
                "/api/v1/stream/{stream_id}/events",
                Json(tuple[StreamEvent, ...], "events"),
                path={"stream_id": stream_id},
                query={"kind": kind, "person_id": person_id, "limit": page_size},
            ),
        )

    @operation
    def event_crop(self, stream_id: str, event_id: str) -> Request[bytes]:
        """The face at its best, as JPEG."""
        return Request(
            "GET",
            "/api/v1/stream/{stream_id}/events/{event_id}/crop",
            Content(),
            path={"stream_id": stream_id, "event_id": event_id},
        )

    @event_stream
    def events(self, *, stream_id: str | None = None, last_event_id: int | None = None) -> EventStream[PushMessage]:
        """Who appears and leaves, as Server-Sent Events; `EventSource` sends the token as `?token=`."""
        return EventStream(
            Request(
                "GET",
                "/api/v1/stream/events",
                Nothing(),
                query={"stream_id": stream_id, "last_event_id": last_event_id},
            ),
            PushMessage,
        )


class RecordingCalls:
    """What viewers of a stream saw, as files."""

    @operation
    def start(self, stream_id: str) -> Request[Recording]:
        """Write what viewers see, names included, to a file from now on."""
        return Request(
            "POST", "/api/v1/stream/{stream_id}/record", Json(Recording, "recording"), path={"stream_id": stream_id}
        )

    @operation
    def stop(self, stream_id: str) -> Request[Recording]:
        """End the recording; answers when the file is complete. The stream goes on."""
        return Request(
            "POST",
            "/api/v1/stream/{stream_id}/record/stop",
            Json(Recording, "recording"),
            path={"stream_id": stream_id},
        )

    @operation
    def list(self, *, stream_id: str | None = None) -> Request[Recordings]:
        """All recordings, also of streams that are over; the one that began last first."""
        return Request("GET", "/api/v1/stream/recordings", Json(Recordings), query={"stream_id": stream_id})

    @download
    def video(self, recording_id: str, to: Target) -> Download:
        """MP4 (H.264); parts of it by `Range`."""
        return Download(
            Request(
                "GET", "/api/v1/stream/recordings/{recording_id}/video", Content(), path={"recording_id": recording_id}
            ),
            to,
        )

    @operation
    def delete(self, recording_id: str) -> Request[None]:
        """With its file."""
        return Request(
            "DELETE", "/api/v1/stream/recordings/{recording_id}", Nothing(), path={"recording_id": recording_id}
        )
