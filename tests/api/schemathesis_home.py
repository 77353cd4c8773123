"""A server's home with something of everything, and for each call a request that finds it.

Noise alone gets no further than "not found": what a success says would never be held against its description.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np

from lianpu.accounts.roles import Scope
from lianpu.bootstrap import open_platform
from lianpu.engines.image import decode_image
from lianpu.settings import load_settings
from tests.streams.clips import photo_clip
from tests.streams.inbox.sightings import track_of

PASSWORD = "correct horse battery staple"
PORTRAITS = 6
FINDINGS = 6
SPARES = 3
TIMEOUT_S = 60
MANY_FACES = 4
FACES_OF_UNKNOWNS = (MANY_FACES, *(1 for _ in range(1 + 3 * SPARES)))
"""How many faces each person in the unknown inbox has."""


def fill_inbox(home: Path, portraits: Sequence[bytes]) -> None:
    """Before the server is started."""
    values = {"home": str(home), "streams.inbox.enabled": True, "streams.inbox.min_quality": 0}
    settings = load_settings(values, environment={}, folder=home).settings
    random = np.random.default_rng(1)

    async def fill() -> None:
        async with open_platform(settings) as platform:
            analyzer = await platform.gallery.recognition.analyzer(None)
            for number, faces in enumerate(FACES_OF_UNKNOWNS):
                pixels = decode_image(portraits[number % PORTRAITS]).pixels
                seen = await asyncio.to_thread(track_of, analyzer, pixels)
                # Nobody is like anybody else, whose face he may have.
                nobody = replace(seen, embedding=random.normal(size=analyzer.dimension).astype(np.float32))
                await platform.unknowns.inbox.keep("a-stream", analyzer, [nobody] * faces)

    asyncio.run(fill())


@dataclass
class Finder:
    """Fills a home over HTTP and notes the requests, by "METHOD /path".

    A call with one request may be made again and again; of several each is good once. In a request `path`, `query` and
    `body` are as JSON has them; `{"$file": name}` in a body is a file of `folder`. The server may read videos in it.
    """

    client: httpx2.Client
    """Of somebody who may make users."""
    folder: Path
    portraits: Sequence[bytes]
    """Six photos, each of another person."""
    requests: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    _enrolled: int = 0

    def fill(self) -> str:
        """Returns: an administrator's API key that may do everything."""
        for number, portrait in enumerate(self.portraits):
            (self.folder / f"{number}.jpg").write_bytes(portrait)
        key = self._accounts()
        self.client.headers["X-API-Key"] = key
        self._gallery()
        self._packs()
        self._transfer()
        self._images()
        self._jobs()
        self._insights()
        self._streams()
        self._unknowns()
        return key

    def _accounts(self) -> str:
        admin, someone = self._user("ada", "admin"), self._user("ben", "viewer")
        self._json("PUT", f"/api/v1/users/{admin}", json={"granted_scopes": ["swap"]})
        tokens = {name: self._log_in(name)["access_token"] for name in ("ada", "ben")}
        bearer = {"Authorization": f"Bearer {tokens['ada']}"}

        def key(name: str) -> dict[str, Any]:
            body = {"name": name, "scopes": [scope.value for scope in Scope], "user_id": admin}
            # As the user, who has the scope `swap`, and not with the server's own key, which has not.
            with httpx2.Client(base_url=self.client.base_url, headers=bearer, timeout=60) as own:
                answer = own.post("/api/v1/keys", json=body)
            assert answer.status_code < 300, answer.text
            return answer.json()

        keys = [key(f"key {number}")["key"]["key_id"] for number in range(SPARES)]
        users = [self._user(f"spare-{number}", "viewer") for number in range(SPARES)]
        there, back = (PASSWORD, PASSWORD + " 2"), (PASSWORD + " 2", PASSWORD)
        passwords = [{"current_password": old, "new_password": new} for old, new in (there, back)]
        self._note("PUT /api/v1/users/me", body={"name": "ada"})
        self._note("PUT /api/v1/users/me/password", *({"body": body} for body in passwords))
        self._note("POST /api/v1/users/token", body={"grant_type": "password", "username": "ben", "password": PASSWORD})
        self._note("GET /api/v1/users/{user_id}", path={"user_id": someone})
        self._note("PUT /api/v1/users/{user_id}", path={"user_id": self._user("cleo", "viewer")}, body={"name": "cleo"})
        self._note("DELETE /api/v1/users/{user_id}", *({"path": {"user_id": user}} for user in users))
        self._note("POST /api/v1/keys", body={"name": "one", "scopes": ["gallery:read"]})
        self._note("DELETE /api/v1/keys/{key_id}", *({"path": {"key_id": one}} for one in keys))
        return key("all calls")["secret"]

    def _gallery(self) -> None:
        photo = {"image": {"$file": "0.jpg"}}
        person, image = self._enrol(0)
        self._enrol(1, person)
        persons = {"path": {"person_id": person}}
        images = {"path": {"person_id": person, "image_id": image}}
        root, one = "/api/v1/faces/{person_id}", "/api/v1/faces/{person_id}/images/{image_id}"
        for call in (f"GET {root}", f"GET {root}/thumbnail", f"GET {root}/images"):
            self._note(call, **persons)
        for call in (f"GET {one}", f"GET {one}/content", f"GET {one}/thumbnail"):
            self._note(call, **images)
        self._note(f"PATCH {one}", **images, body={"is_primary": True})
        for method in ("PUT", "PATCH"):
            self._note(
                f"{method} {root}", **persons, body={"name": "Ada", "metadata": {"team": "示例"}, "threshold": 0.6}
            )
        self._note(f"POST {root}/generate-features", **persons, query={"model_name": "dlib"})
        self._note("POST /api/v1/faces", body={**photo, "name": "New", "metadata": '{"team": 1}'})
        self._note(f"POST {root}/images", *({**persons, "body": {"image": {"$file": f"{n}.jpg"}}} for n in (2, 3)))
        self._note(f"PUT {one}", *(self._image_of_its_own(4 + n, {"image": {"$file": f"{n}.jpg"}}) for n in (0, 1)))
        self._note(f"DELETE {one}", *(self._image_of_its_own(n) for n in range(SPARES)))
        to_person = {"to_person_id": person, "delete_empty": True}
        self._note(f"POST {one}/move", *(self._image_of_its_own(n, to_person) for n in (4, 5)))
        self._note(f"DELETE {root}", *({"path": {"person_id": self._enrol(n)[0]}} for n in range(SPARES)))
        self._note(f"POST {root}/merge", *({**persons, "body": {"from": [self._enrol(n)[0]]}} for n in range(SPARES)))
        self._note(
            "DELETE /api/v1/faces/batch", *({"body": {"person_ids": [self._enrol(n)[0]]}} for n in range(SPARES))
        )
        for call in ("detect", "embeddings", "search"):
            self._note(f"POST /api/v1/{call}", body=photo)
        self._note("POST /api/v1/compare", body={"image": [{"$file": "0.jpg"}, {"$file": "1.jpg"}]})

    def _packs(self) -> None:
        pack = {"pack": "second"}
        self._note("POST /api/v1/gallery/reembed", body=pack)
        self._note("PUT /api/v1/gallery/shadow", body={**pack, "sample_rate": 1})
        self._note("POST /api/v1/models/default", body={"pack": "dlib", "force": True})
        self._note("PUT /api/v1/models/{name}/threshold", path={"name": "dlib"}, body={"threshold": 0.5})
        for call in ("load", "unload"):
            self._note(f"POST /api/v1/models/{call}", body={"name": "second"})
        self._note("DELETE /api/v1/models/{name}", path={"name": "spare@1"}, query={"force": True})

    def _transfer(self) -> None:
        person = {"person_ids": [self._enrol(5)[0]]}
        made = self._job("POST", "/api/v1/gallery/export", json=person)["job_id"]
        archive = self.client.get(f"/api/v1/gallery/exports/{made}/archive").content
        (self.folder / "export.zip").write_bytes(archive)
        planned = [
            self._job("POST", "/api/v1/gallery/import", params={"dry_run": True}, content=archive, headers=ZIP)[
                "job_id"
            ]
            for _ in range(2)
        ]
        self._note("POST /api/v1/gallery/export", body=person)
        self._note("GET /api/v1/gallery/exports/{job_id}/archive", path={"job_id": made})
        self._note("POST /api/v1/gallery/import", query={"dry_run": True}, body={"$file": "export.zip"})
        skip = {"on_conflict": "skip"}
        self._note(
            "POST /api/v1/gallery/imports/{job_id}/apply", *({"path": {"job_id": one}, "body": skip} for one in planned)
        )

    def _images(self) -> None:
        root, infer = "/api/v1/images/{image_id}", "/api/v1/images/inference"
        image, *spares = (self._upload(number) for number in range(1 + SPARES))
        asked = {"image_id": image, "model": "face-analysis"}
        result = self._json("POST", infer, json=asked)["result"]["result_id"]
        task = self._json("POST", f"{infer}/async", json=asked)["task"]["task_id"]
        self._note("POST /api/v1/images/upload", body={"file": {"$file": "0.jpg"}})
        for call in (f"GET {root}", f"GET {root}/content", f"GET {root}/thumbnail", f"GET {root}/results"):
            self._note(call, path={"image_id": image})
        self._note(f"DELETE {root}", *({"path": {"image_id": one}} for one in spares))
        for call in (f"POST {infer}", f"POST {infer}/async"):
            self._note(call, body=asked)
        self._note(f"GET {infer}/{{result_id}}", path={"result_id": result})
        self._note(f"GET {infer}/tasks/{{task_id}}", path={"task_id": task})

    def _jobs(self) -> None:
        root = "/api/v1/jobs/{job_id}"
        checks = [self._job("POST", "/api/v1/gallery/check", json={})["job_id"] for _ in range(SPARES)]
        # One photo of it is none, so that there is something to try again.
        photos = [("image", ("a/1.jpg", self.portraits[0])), ("image", ("b/1.jpg", b"no photo"))]
        failed = self._job("POST", "/api/v1/faces/batch", files=photos)["job_id"]
        self._note("POST /api/v1/faces/batch", body={"image": [{"$file": "0.jpg"}], "dry_run": True})
        for call in (f"GET {root}", f"GET {root}/items", f"POST {root}/retry"):
            self._note(call, path={"job_id": failed})
        self._note(f"DELETE {root}", *({"path": {"job_id": job}} for job in checks))

    def _insights(self) -> None:
        calibrated = self._job("POST", "/api/v1/gallery/calibrate", json={"wanted_fmr": 0.1})
        self._note("POST /api/v1/gallery/calibrate", body={"wanted_fmr": 0.1})
        self._note("GET /api/v1/gallery/calibrate", query={"pack": "dlib"})
        plot = {"job_id": calibrated["job_id"], "name": calibrated["result"]["plots"][0]}
        self._note("GET /api/v1/gallery/calibrate/{job_id}/plots/{name}", path=plot)
        self._job("POST", "/api/v1/gallery/health", json={})
        report = self._json("GET", "/api/v1/gallery/health")["report"]
        # Other calls change persons as well, and outdate some.
        found = [{"finding_id": finding["finding_id"]} for finding in report["findings"]]
        one = "/api/v1/gallery/health/findings/{finding_id}"
        self._note(f"POST {one}/dismiss", *({"path": finding} for finding in found[:FINDINGS]))
        self._note(f"POST {one}/apply", *({"path": f, "body": {"action": "dismiss"}} for f in found[FINDINGS:]))

    def _streams(self) -> None:
        pixels = decode_image(self.portraits[0]).pixels
        picture = cv2.resize(np.ascontiguousarray(pixels), (256, 256), interpolation=cv2.INTER_AREA)
        clip = self.folder / "clip.mp4"
        clip.write_bytes(photo_clip([np.asarray(picture, np.uint8)], 30))
        root, start = "/api/v1/stream/{stream_id}", {"source": str(clip), "lifetime_minutes": -1, "loop": True}
        stream, *spares = (self._json("POST", "/api/v1/stream/start", json=start)["stream"]["stream_id"] for _ in "123")
        event = self._event_with_crop(stream)
        self._note("POST /api/v1/stream/start", body={"source": str(clip), "lifetime_minutes": 0.02})
        self._note("POST /api/v1/stream/stop", *({"body": {"stream_id": one}} for one in spares))
        for call in (f"GET {root}", f"GET {root}/snapshot", f"GET {root}/events"):
            self._note(call, path={"stream_id": stream})
        for call in (f"POST {root}/pause", f"POST {root}/resume"):
            self._note(call, path={"stream_id": stream})
        self._note(f"POST {root}/extend", path={"stream_id": stream}, body={"lifetime_minutes": -1})
        self._note(f"GET {root}/events/{{event_id}}/crop", path={"stream_id": stream, "event_id": event})

    def _unknowns(self) -> None:
        root = "/api/v1/stream/unknowns/{unknown_id}"
        found = self._json("GET", "/api/v1/stream/unknowns")["unknowns"]
        kept, *spares = ({"unknown_id": one["unknown_id"]} for one in sorted(found, key=lambda one: -one["faces"]))
        assert len(spares) == len(FACES_OF_UNKNOWNS) - 1
        face, *moved = self._json("GET", f"/api/v1/stream/unknowns/{kept['unknown_id']}")["faces"]
        person = {"person_id": self._enrol(1)[0]}
        for call in (f"GET {root}", f"GET {root}/crop"):
            self._note(call, path=kept)
        self._note(f"GET {root}/faces/{{face_id}}/crop", path={**kept, "face_id": face["face_id"]})
        self._note(f"POST {root}/vetoes", path=kept, body=person)
        self._note(f"DELETE {root}/vetoes/{{person_id}}", path={**kept, **person})
        moves = [{"path": {**kept, "face_id": one["face_id"]}, "body": {"to_unknown_id": None}} for one in moved]
        self._note(f"POST {root}/faces/{{face_id}}/move", *moves)
        into, named, merged, purged = spares[0], spares[1::3], spares[2::3], spares[3::3]
        new = {"new_person": {"name": "Ada"}}
        self._note(f"POST {root}/name", *({"path": one, "body": new} for one in named))
        self._note(f"POST {root}/merge", *({"path": into, "body": one} for one in merged))
        self._note(f"DELETE {root}", *({"path": one} for one in purged))

    def _event_with_crop(self, stream: str) -> str:
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            for event in self._json("GET", f"/api/v1/stream/{stream}/events")["events"]:
                if event["crop_url"] is not None:
                    return event["event_id"]
            assert time.monotonic() < deadline, self._json("GET", f"/api/v1/stream/{stream}")
            time.sleep(0.1)

    def _note(self, call: str, *requests: dict[str, Any], **request: Any) -> None:
        self.requests[call] = list(requests) or [request]

    def _user(self, name: str, role: str) -> str:
        body = {"name": name, "password": PASSWORD, "role": role, "must_change_password": False}
        return self._json("POST", "/api/v1/users/", json=body)["user"]["user_id"]

    def _log_in(self, name: str) -> dict[str, Any]:
        return self._json(
            "POST", "/api/v1/users/token", data={"grant_type": "password", "username": name, "password": PASSWORD}
        )

    def _enrol(self, portrait: int, person_id: str | None = None) -> tuple[str, str]:
        """Returns: ids of the person, a new one unless said otherwise, and of the image."""
        self._enrolled += 1
        person_id = person_id or f"p{self._enrolled}"
        fields = {"person_id": person_id, "name": "Ada", "face_selection": "largest"}
        photo = {"image": ("photo.jpg", self.portraits[portrait % PORTRAITS])}
        return person_id, self._json("POST", "/api/v1/faces", files=photo, data=fields)["image"]["image_id"]

    def _image_of_its_own(self, portrait: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A request about a new person's only image."""
        person, image = self._enrol(portrait)
        return {"path": {"person_id": person, "image_id": image}} | ({} if body is None else {"body": body})

    def _upload(self, portrait: int) -> str:
        photo = {"file": ("photo.jpg", self.portraits[portrait])}
        return self._json("POST", "/api/v1/images/upload", files=photo)["image"]["image_id"]

    def _job(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """The job that was started, ended."""
        job = self._json(method, path, **arguments)["job"]
        deadline = time.monotonic() + TIMEOUT_S
        while job["finished_at"] is None:
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
            job = self._json("GET", f"/api/v1/jobs/{job['job_id']}")["job"]
        return job

    def _json(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self.client.request(method, path, **arguments)
        assert answer.status_code < 300, answer.text
        return answer.json()


ZIP = {"Content-Type": "application/zip"}
