"""Changing the pack of a gallery of LFW people while it is searched: re-embed, compare in the shadow, switch, go back.

Starts a server of its own on a free loopback port, with the test kit's two MobileFaceNets of the same dimension, and
searches over HTTP without a pause from the first re-embedded image to the last switch. It ends with an error if one
search fails, comes back without a name it could have, or is answered by a pack that is not the active one.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from api_overhead import ACCESS, HEADERS

from lianpu.packs.install import import_pack
from lianpu.runtime.onnx import OnnxSessionFactory

ACTIVE, CANDIDATE = "foamliu", "insightface"
RECOGNISERS = {ACTIVE: "mobilefacenet_foamliu_arc", CANDIDATE: "mobilefacenet_insightface_y1"}
ENROLLERS = 8
PHASE_S = 10.0


@dataclass
class Searches:
    """What the searchers saw, by the phase of the run."""

    allowed: set[str]
    """Packs that may answer now; both around a switch."""
    phase: str = "before"
    is_over: bool = False
    ms: dict[str, list[float]] = field(default_factory=dict)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    kit = os.environ.get("LIANPU_TESTKIT") or Path(__file__).parents[2] / "shared" / "testkit"
    parser.add_argument("--testkit", type=Path, default=Path(kit))
    parser.add_argument("--people", type=int, default=4281, help="How many of LFW View 2's 4,281.")
    parser.add_argument("--searchers", type=int, default=2)
    parser.add_argument("--shadow-searches", type=int, default=600)
    parser.add_argument("--phase-s", type=float, default=PHASE_S, help="How long to search before and after switches.")
    parser.add_argument("--json", type=Path, help="Write the figures here too.")
    arguments = parser.parse_args()
    enrolled, probes = photos_of(arguments.testkit / "images/lfw_view2.zip", arguments.people)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        import_packs(arguments.testkit / "models", home)
        port = free_port()
        command = [sys.executable, "-m", "lianpu", "serve", "--home", folder, "--port", str(port)]
        environment = {**os.environ, **ACCESS, "LIANPU_PACKS__DEFAULT": ACTIVE}
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
        try:
            figures = asyncio.run(run(f"http://127.0.0.1:{port}", enrolled, probes, arguments))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
    if figures["problems"]:
        sys.exit("\n".join(figures["problems"][:20]))


async def run(
    address: str, enrolled: dict[str, bytes], probes: list[tuple[str, bytes]], arguments: argparse.Namespace
) -> dict[str, Any]:
    searches = Searches(allowed={ACTIVE})
    async with httpx2.AsyncClient(base_url=address, headers=HEADERS, timeout=300, trust_env=False) as client:
        await wait_for(client)
        began = time.monotonic()
        people = await enrol(client, enrolled)
        print(f"{people} of {len(enrolled)} people enrolled, {people / (time.monotonic() - began):.1f} a second")
        probes = [(name, photo) for name, photo in probes if name in enrolled] or list(enrolled.items())
        searching = [asyncio.create_task(search(client, searches, probes, at)) for at in range(arguments.searchers)]
        try:
            figures = await change(client, searches, arguments)
        finally:
            searches.is_over = True
            await asyncio.gather(*searching)
    figures |= {"people": people, "problems": searches.problems, "phases": phases(searches)}
    figures["searches"] = sum(searches.answers.values())
    figures["by_pack"] = dict(Counter(pack for pack, _ in searches.answers.elements()))
    print(f"{figures['searches']} searches, {len(searches.problems)} failed or wrong; by pack {figures['by_pack']}")
    return figures


async def change(client: httpx2.AsyncClient, searches: Searches, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything from the first re-embedded image to the way back."""
    await asyncio.sleep(arguments.phase_s)
    refused = await client.post("/api/v1/models/default", json={"pack": CANDIDATE})
    expect(refused.status_code == 409 and refused.json()["code"] == "pack_not_covered", refused.text)
    searches.phase = "re-embedding"
    job = (await client.post("/api/v1/gallery/reembed", json={"pack": CANDIDATE})).json()["job"]
    while job["finished_at"] is None:
        await asyncio.sleep(0.5)
        job = (await client.get(f"/api/v1/jobs/{job['job_id']}")).json()["job"]
    expect(job["status"] == "completed", str(job["error"]))
    result = job["result"]
    print(f"re-embedded {result['embedded']}, failed {result['failed']}, {result['images_per_s']} images/s")
    expect(result["coverage"]["is_complete"], str(result["coverage"]))

    searches.phase = "shadow"
    await client.put("/api/v1/gallery/shadow", json={"pack": CANDIDATE})
    report: dict[str, Any] = {"compared": 0}
    while report["compared"] < arguments.shadow_searches:
        await asyncio.sleep(0.2)
        report = (await client.get("/api/v1/gallery/shadow")).json()["shadow"]
    shown = ("compared", "dropped", "errors", "counts", "agreement", "agreement_interval", "latency_ms", "advice")
    report = {name: report[name] for name in shown}
    print(json.dumps(report, indent=2))
    await client.delete("/api/v1/gallery/shadow")
    switches = [await switch(client, searches, pack, arguments.phase_s) for pack in (CANDIDATE, ACTIVE)]
    return {"reembedding": result, "shadow": report, "switches_ms": switches}


async def switch(client: httpx2.AsyncClient, searches: Searches, pack: str, phase_s: float) -> float:
    """How long it took, in ms."""
    searches.phase, searches.allowed = f"switching to {pack}", {ACTIVE, CANDIDATE}
    began = time.perf_counter()
    switched = await client.post("/api/v1/models/default", json={"pack": pack})
    elapsed_ms = round((time.perf_counter() - began) * 1000, 1)
    expect(switched.status_code == 200, switched.text)
    # Searches under way end with the pack they began with.
    await asyncio.sleep(max(1.0, phase_s / 2))
    searches.phase, searches.allowed = f"with {pack}", {pack}
    await asyncio.sleep(phase_s)
    print(f"switched to {pack} in {elapsed_ms} ms")
    return elapsed_ms


async def search(client: httpx2.AsyncClient, searches: Searches, probes: list[tuple[str, bytes]], at: int) -> None:
    while not searches.is_over:
        at += 1
        name, photo = probes[at * 7919 % len(probes)]
        phase, allowed = searches.phase, searches.allowed
        began = time.perf_counter()
        try:
            answer = await client.post("/api/v1/search", files={"image": photo})
        except httpx2.TransportError as error:
            searches.problems.append(f"{phase}: {error!r}")
            continue
        searches.ms.setdefault(phase, []).append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            searches.problems.append(f"{phase}: {answer.status_code} {answer.text[:200]}")
            continue
        found = answer.json()
        searches.answers[found["pack"], phase] += 1
        # The phase may have ended while the search was under way: then either's pack is right.
        if found["pack"] not in allowed | searches.allowed:
            searches.problems.append(f"{phase}: answered by {found['pack']}")
        if found["faces"] and not found["faces"][0]["matches"]:
            searches.problems.append(f"{phase}: {name} has no match at all")
        named = [face["best_match"]["name"] for face in found["faces"] if face["best_match"]]
        searches.right[phase] += name in named


async def enrol(client: httpx2.AsyncClient, enrolled: dict[str, bytes]) -> int:
    waiting, done = list(enrolled.items()), 0

    async def work() -> None:
        nonlocal done
        while waiting:
            name, photo = waiting.pop()
            fields = {"person_id": name, "name": name, "face_selection": "largest"}
            answer = await client.post("/api/v1/faces", files={"image": photo}, data=fields)
            expect(answer.status_code in {201, 422}, answer.text)
            done += answer.status_code == 201

    await asyncio.gather(*(work() for _ in range(ENROLLERS)))
    return done


def phases(searches: Searches) -> dict[str, dict[str, float]]:
    print("| phase | searches | named right | p50 ms | p95 ms |\n|---|---|---|---|---|")
    figures: dict[str, dict[str, float]] = {}
    for phase, values in searches.ms.items():
        p50, p95 = (round(float(value), 1) for value in np.quantile(values, (0.5, 0.95)))
        rate = round(searches.right[phase] / len(values), 4)
        figures[phase] = {"searches": len(values), "named_right": rate, "p50_ms": p50, "p95_ms": p95}
        print(f"| {phase} | {len(values)} | {rate:.2%} | {p50} | {p95} |")
    return figures


def photos_of(archive: Path, people: int) -> tuple[dict[str, bytes], list[tuple[str, bytes]]]:
    """The first photo of each person to enrol, and the others to search for."""
    enrolled: dict[str, bytes] = {}
    probes: list[tuple[str, bytes]] = []
    with zipfile.ZipFile(archive) as opened:
        for entry in sorted(name for name in opened.namelist() if name.endswith(".jpg")):
            name = entry.split("/")[0]
            if name in enrolled:
                probes.append((name, opened.read(entry)))
            elif len(enrolled) < people:
                enrolled[name] = opened.read(entry)
    return enrolled, probes


def import_packs(models: Path, home: Path) -> None:
    for name, recogniser in RECOGNISERS.items():
        import_pack(
            None,
            home / "packs",
            OnnxSessionFactory(),
            name=name,
            version="1",
            detector=str(models / "detection/scrfd_2.5g_bnkps.onnx"),
            embedder=str(models / f"recognition/{recogniser}.onnx"),
            accept_licence=True,
        )


async def wait_for(client: httpx2.AsyncClient) -> None:
    for _ in range(600):
        try:
            if (await client.get("/health")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.1)
    sys.exit("the server does not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def expect(condition: bool, message: str) -> None:
    if not condition:
        sys.exit(message)


if __name__ == "__main__":
    main()
