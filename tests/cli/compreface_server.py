"""A small CompreFace: subjects, examples by page and their photos, as its REST API gives them; and its bad moods."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "00000000-0000-0000-0000-000000000002"
ROOT = "/api/v1/recognition"


@dataclass
class FakeCompreFace:
    subjects: dict[str, dict[str, bytes]]
    """Photos by image id."""
    page_size_max: int = 2
    redirects: dict[str, str] = field(default_factory=dict[str, str])
    """Of a path, to another address."""
    asked: list[str] = field(default_factory=list[str])
    url: str = ""

    def answer(self, target: str, headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(target)
        path = unquote(parts.path)
        self.asked.append(path)
        if path in self.redirects:
            return 307, b"", {"Location": self.redirects[path]}
        if headers.get("x-api-key") != KEY:
            return _json(401, {"message": "wrong key", "code": 10})
        if path == f"{ROOT}/subjects":
            return _json(200, {"subjects": list(self.subjects)})
        examples = [(image_id, name) for name, photos in self.subjects.items() for image_id in photos]
        if path == f"{ROOT}/faces":
            query = parse_qs(parts.query)
            page, size = int(query["page"][0]), min(int(query["size"][0]), self.page_size_max)
            shown = examples[page * size : (page + 1) * size]
            return _json(
                200,
                {
                    "faces": [{"image_id": image_id, "subject": name} for image_id, name in shown],
                    "page_number": page,
                    "page_size": size,
                    "total_pages": -(-len(examples) // size),
                    "total_elements": len(examples),
                },
            )
        image_id = path.removeprefix(f"{ROOT}/faces/").removesuffix("/img")
        photos = {image_id: photo for photos in self.subjects.values() for image_id, photo in photos.items()}
        # It has no 404 for a photo that is gone.
        return 200, photos.get(image_id, b""), {"Content-Type": "application/octet-stream"}


def _json(status: int, document: Any) -> tuple[int, bytes, dict[str, str]]:
    return status, json.dumps(document).encode(), {"Content-Type": "application/json"}


@contextmanager
def serving(compreface: FakeCompreFace) -> Iterator[FakeCompreFace]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = compreface.answer(self.path, self.headers)  # type: ignore[arg-type]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    compreface.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield compreface
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
