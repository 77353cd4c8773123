"""The subjects of a running CompreFace and their photos, fetched over its REST API by one of its keys."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2

from lianpu.cli.photo_uploads import Photo
from lianpu.errors import LianpuError

FACES, SUBJECTS = "/api/v1/recognition/faces", "/api/v1/recognition/subjects"
PAGE_SIZE = 500
MOST_EXAMPLES = 5_000_000
MOST_REDIRECTS = 3
DOCUMENT_MAX_BYTES = 64 << 20
TIMEOUT_S = 60.0
PORTION_PHOTOS, PORTION_BYTES = 200, 64 << 20
"""Photos are held in memory from when they come until they are enrolled."""
_SUFFIXES = ((b"\xff\xd8", ".jpg"), (b"\x89PNG", ".png"), (b"GIF8", ".gif"), (b"BM", ".bmp"), (b"RIFF", ".webp"))
_OK = 200


class CompreFaceUnreachableError(LianpuError):
    """What is asked does not answer, or is no CompreFace, or does not take the key."""

    code, title = "compreface_unreachable", "CompreFace not reachable"


class RefusedPhotoError(ValueError):
    """One photo cannot be fetched; the others can."""


@dataclass(frozen=True, slots=True)
class Example:
    image_id: str
    subject: str


class CompreFaceSource:
    """Asks the given host and no other: a redirect to one ends it."""

    def __init__(self, url: str, api_key: str, *, max_photo_bytes: int) -> None:
        """
        Raises:
            CompreFaceUnreachableError: the address is none of a server.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise CompreFaceUnreachableError(f"{url!r} is no address of a server, such as http://compreface.lan:8000.")
        if parts.username is not None or parts.password is not None:
            raise CompreFaceUnreachableError("Give the API key apart: addresses are shown and remembered.")
        self._max_photo_bytes = max_photo_bytes
        # Faces and the key go to this host, never through a proxy that the environment names.
        self._client = httpx2.AsyncClient(
            base_url=url, headers={"x-api-key": api_key}, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def subjects(self) -> list[str]:
        """
        Raises (here and below):
            CompreFaceUnreachableError: no answer, none of CompreFace, or a refusal.
        """
        document = await self._document(SUBJECTS, {})
        found = document.get("subjects")
        if not isinstance(found, list):
            raise CompreFaceUnreachableError(f"The answer of {SUBJECTS} is none of CompreFace's.")
        return [str(one) for one in cast(list[object], found)]

    async def examples(self) -> AsyncGenerator[Example]:
        """All examples of all subjects, page by page."""
        seen: set[str] = set()
        page = 0
        while len(seen) < MOST_EXAMPLES:
            document = await self._document(FACES, {"page": page, "size": PAGE_SIZE})
            faces = document.get("faces")
            if not isinstance(faces, list):
                raise CompreFaceUnreachableError(f"The answer of {FACES} is none of CompreFace's.")
            new = [one for one in map(_example, cast(list[object], faces)) if one.image_id not in seen]
            for example in new:
                seen.add(example.image_id)
                yield example
            page += 1
            total = document.get("total_pages")
            # An older one knows no pages and gives all of them each time.
            if not new or (isinstance(total, int) and page >= total):
                return

    async def photo(self, example: Example) -> Photo:
        """
        Raises:
            RefusedPhotoError: this one cannot be had.
        """
        status, data = await self._get(f"{FACES}/{_segment(example.image_id)}/img", {}, self._max_photo_bytes)
        if status != _OK or not data:
            raise RefusedPhotoError(f"CompreFace has no photo of it (HTTP {status})")
        suffix = next((suffix for mark, suffix in _SUFFIXES if data.startswith(mark)), ".jpg")
        name = f"{example.image_id}{suffix}"
        label = f"{example.subject}, image {example.image_id}"
        return Photo(example.subject, Path(name), name, len(data), data=data, label=label)

    async def _document(self, path: str, parameters: dict[str, Any]) -> dict[str, Any]:
        status, data = await self._get(path, parameters, DOCUMENT_MAX_BYTES)
        try:
            document: object = httpx2.Response(_OK, content=data).json()
        except ValueError:
            document = None
        if status != _OK or not isinstance(document, dict):
            said = cast(dict[str, object], document).get("message") if isinstance(document, dict) else None
            raise CompreFaceUnreachableError(f"{path} answers with {status}: {said or 'nothing of CompreFace'}.")
        return cast(dict[str, Any], document)

    async def _get(self, path: str, parameters: dict[str, Any], max_bytes: int) -> tuple[int, bytes]:
        request = self._client.build_request("GET", path, params=parameters)
        for _ in range(MOST_REDIRECTS + 1):
            try:
                response = await self._client.send(request, stream=True)
                try:
                    if response.next_request is None:
                        return response.status_code, await _read(response, max_bytes)
                finally:
                    await response.aclose()
            except (httpx2.TransportError, httpx2.InvalidURL) as error:
                cause = str(error) or type(error).__name__
                raise CompreFaceUnreachableError(f"{self._client.base_url} does not answer: {cause}.") from error
            request = self._followed(response.next_request)
        raise CompreFaceUnreachableError(f"{path} redirects again and again.")

    def _followed(self, request: httpx2.Request) -> httpx2.Request:
        if _origin(request.url) != _origin(self._client.base_url):
            raise CompreFaceUnreachableError(
                f"It redirects to {request.url.host!r}, another server than was named; nothing was asked of that one."
            )
        return request


async def portions(
    source: CompreFaceSource, refused: Callable[[Example, str], None], *, max_photos: int, max_bytes: int
) -> AsyncGenerator[list[Photo]]:
    """Photos as they come, in portions that memory and one upload can hold; one that cannot be had is told."""
    portion: list[Photo] = []
    size_bytes = 0
    async for example in source.examples():
        try:
            photo = await source.photo(example)
        except RefusedPhotoError as error:
            refused(example, str(error))
            continue
        if portion and (len(portion) == max_photos or size_bytes + photo.size_bytes > max_bytes):
            yield portion
            portion, size_bytes = [], 0
        portion.append(photo)
        size_bytes += photo.size_bytes
    if portion:
        yield portion


async def _read(response: httpx2.Response, max_bytes: int) -> bytes:
    data = bytearray()
    async with asyncio.timeout(TIMEOUT_S * 5):
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > max_bytes:
                raise RefusedPhotoError(f"has more than {max_bytes:,} bytes")
    return bytes(data)


def _example(item: object) -> Example:
    if not isinstance(item, dict):
        raise CompreFaceUnreachableError(f"The answer of {FACES} is none of CompreFace's.")
    fields = cast(dict[str, object], item)
    return Example(str(fields.get("image_id", "")), str(fields.get("subject", "")))


def _segment(image_id: str) -> str:
    """Ids of CompreFace are UUIDs; what is none could be another address."""
    if not image_id or not all(char.isalnum() or char == "-" for char in image_id):
        raise RefusedPhotoError("has an id that is none of CompreFace's")
    return image_id


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
