"""Vectors of different packs, or versions of one, never meet: every path is walked, and every comparison seen."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from lianpu.api.app import create_app
from lianpu.gallery import checks, index_engine, recognition
from lianpu.gallery.models import FaceEmbedding
from lianpu.settings import load_settings
from lianpu.vectors.exact import ExactIndex
from tests import fake_packs
from tests.api.calls import ended, enrol, reembed, search
from tests.api.conftest import API_KEY
from tests.fake_packs import KEYS, key_of_vector, photo

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PACKS = ("alpha", "alpha@1", "alpha@2", "beta", "beta@1")
PEOPLE = 6
STEPS = 90


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Watch:
    """Which packs' vectors each index, and each comparison outside of one, has seen."""

    def __init__(self) -> None:
        self.of_index: dict[int, set[fake_packs.PackKey]] = defaultdict(set)
        self.probed: Counter[fake_packs.PackKey] = Counter()
        self.compared: Counter[frozenset[fake_packs.PackKey]] = Counter()
        self.alive: list[object] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        watch = self

        class WatchedIndex(ExactIndex):
            def add(self, rows: Any) -> None:
                taken = list(rows)
                watch.alive.append(self)  # so that no other index gets its id
                watch.of_index[id(self)] |= {key_of_vector(row.vector) for row in taken}
                super().add(taken)

            def search(self, probes: Any, top_k: int) -> Any:
                watch.of_index[id(self)] |= {key_of_vector(probe) for probe in probes}
                watch.probed.update(key_of_vector(probe) for probe in probes)
                return super().search(probes, top_k)

        monkeypatch.setattr(index_engine, "ExactIndex", WatchedIndex)
        for module in (recognition, checks):
            original = module.raw_value

            def seen(metric: Any, first: Any, second: Any, original: Any = original) -> float:
                watch.compared[frozenset((key_of_vector(first), key_of_vector(second)))] += 1
                return original(metric, first, second)

            monkeypatch.setattr(module, "raw_value", seen)


class Walk:
    """A random walk over everything that touches vectors."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.done: Counter[str] = Counter()
        self.variant = 0
        self.stack = AsyncExitStack()
        self.client: httpx2.AsyncClient
        self.app: Any

    async def start(self) -> None:
        values = {"packs.default": "alpha@1", "packs.generate": "alpha@1", "quality.mode": "off"}
        values |= {"home": str(self.folder), "server.api_key": API_KEY}
        settings = load_settings(values, environment={}, folder=self.folder).settings
        self.app = create_app(settings)
        await self.stack.enter_async_context(self.app.router.lifespan_context(self.app))
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=True)
        self.client = await self.stack.enter_async_context(
            httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1", headers={"X-API-Key": API_KEY}, timeout=60
            )
        )

    async def stop(self) -> None:
        await self.stack.aclose()

    def person(self) -> int:
        return self.random.randrange(PEOPLE)

    def photo(self) -> bytes:
        self.variant = (self.variant + 1) % 256
        return photo(self.person(), self.variant)

    def pack(self) -> str:
        return self.random.choice(PACKS)

    async def enrol(self) -> None:
        packs = self.random.choice(({}, {}, {"models_to_generate": ",".join({self.pack(), self.pack()})}))
        person = self.person()
        answer = await enrol(self.client, self.photo(), person_id=f"p{person}", name=f"Person {person}", **packs)
        assert answer.status_code in {201, 409}, answer.text

    async def search(self) -> None:
        named = self.random.choice(({}, {"pack": self.pack()}))
        found = (await search(self.client, self.photo(), **named)).json()
        for face in found["faces"]:
            for match in face["matches"]:
                packs = await self._packs_of_image(match["image_id"])
                assert (found["pack"], found["pack_version"]) in packs

    async def compare(self) -> None:
        files = [("image", ("a.png", self.photo())), ("image", ("b.png", self.photo()))]
        answer = await self.client.post("/api/v1/compare", files=files, data={"pack": self.pack()})
        assert answer.status_code == 200

    async def reembed(self) -> None:
        assert (await reembed(self.client, self.pack()))["status"] == "completed"

    async def generate_features(self) -> None:
        route = f"/api/v1/faces/p{self.person()}/generate-features"
        started = await self.client.post(route, params={"model_name": self.pack()})
        if started.status_code != 404:
            assert (await ended(self.client, started))["status"] == "completed"

    async def shadow(self) -> None:
        await self.client.put("/api/v1/gallery/shadow", json={"pack": self.pack()})
        await self.search()

    async def shadow_off(self) -> None:
        await self.client.delete("/api/v1/gallery/shadow")

    async def switch(self) -> None:
        body = {"pack": self.pack(), "force": self.random.random() < 0.7}
        answer = await self.client.post("/api/v1/models/default", json=body)
        assert answer.status_code in {200, 409}, answer.text

    async def restart(self) -> None:
        """Indexes are filled anew from the database."""
        await self.stop()
        await self.start()

    async def move_image(self) -> None:
        images = await self._images()
        target = f"p{self.person()}"
        if not images or not any(person == target for person, _ in images):
            return
        source, image_id = self.random.choice(images)
        moved = await self.client.post(f"/api/v1/faces/{source}/images/{image_id}/move", json={"to_person_id": target})
        # Its own person already, or one who has this very photo.
        assert moved.status_code in {200, 409, 422}, moved.text

    async def merge(self) -> None:
        persons = sorted({person for person, _ in await self._images()})
        if len(persons) > 2:
            kept, merged = self.random.sample(persons, 2)
            done = await self.client.post(f"/api/v1/faces/{kept}/merge", json={"from": [merged]})
            assert done.status_code == 200, done.text

    async def delete_image(self) -> None:
        images = await self._images()
        if images:
            person, image_id = self.random.choice(images)
            await self.client.delete(f"/api/v1/faces/{person}/images/{image_id}")

    async def delete_person(self) -> None:
        await self.client.delete(f"/api/v1/faces/p{self.person()}")

    async def replace_image(self) -> None:
        images = await self._images()
        if images:
            person, image_id = self.random.choice(images)
            route = f"/api/v1/faces/{person}/images/{image_id}"
            data = {"keep_previous": str(self.random.random() < 0.5).lower()}
            answer = await self.client.put(route, files={"image": ("p.png", self.photo())}, data=data)
            assert answer.status_code in {201, 409}, answer.text

    async def _images(self) -> list[tuple[str, str]]:
        persons = (await self.client.get("/api/v1/faces")).json()["persons"]
        found: list[tuple[str, str]] = []
        for person in persons:
            listed = (await self.client.get(f"/api/v1/faces/{person['person_id']}/images")).json()["images"]
            found += [(person["person_id"], image["image_id"]) for image in listed]
        return found

    async def _packs_of_image(self, image_id: str) -> set[tuple[str, str]]:
        async with self.app.state.platform.database.session() as session:
            query = select(FaceEmbedding.pack, FaceEmbedding.pack_version).where(FaceEmbedding.image_id == image_id)
            return {tuple(row) for row in await session.execute(query)}

    async def check(self) -> int:
        """Every stored vector is of the pack that its row names, every index holds the vectors of its own."""
        async with self.app.state.platform.database.session() as session:
            rows = (await session.scalars(select(FaceEmbedding))).all()
        assert all(key_of_vector(row.vector) == (row.pack, row.pack_version) for row in rows)
        indexes = self.app.state.gallery.indexes
        counts = Counter((row.pack, row.pack_version) for row in rows)
        assert all(size == counts[key] for key, size in indexes.sizes().items())
        return len(rows)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
async def test_R_LIB_6_on_a_random_walk_vectors_of_two_packs_never_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    fake_packs.install(monkeypatch)
    watch = Watch()
    watch.install(monkeypatch)
    walk = Walk(seed, tmp_path)
    await walk.start()
    paths: list[Callable[[], Awaitable[None]]] = [
        walk.enrol, walk.search, walk.compare, walk.reembed, walk.generate_features, walk.shadow, walk.shadow_off,
        walk.switch, walk.restart, walk.move_image, walk.merge, walk.delete_image, walk.delete_person,
        walk.replace_image,
    ]  # fmt: skip
    weights = [12, 10, 3, 4, 3, 4, 1, 4, 1, 3, 1, 2, 1, 3]
    stored = 0
    for step in range(STEPS):
        path = paths[step] if step < len(paths) else walk.random.choices(paths, weights)[0]
        await path()
        walk.done[path.__name__] += 1
        stored = max(stored, await walk.check())
    await asyncio.sleep(0.05)
    await walk.stop()
    assert set(walk.done) == {path.__name__ for path in paths}
    assert stored >= 10
    assert set(watch.probed) == set(KEYS), "every pack must have searched"
    assert watch.compared, "and compared"
    assert all(len(keys) == 1 for keys in watch.compared)
    assert all(len(keys) == 1 for keys in watch.of_index.values())
