"""deploy/docker by hadolint, and by the rules that an image of ours keeps."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import lianpu

ROOT = Path(__file__).parents[2]
DOCKERFILES = ("Dockerfile", "Dockerfile.cuda")
HADOLINT = Path(sys.executable).with_name("hadolint")


def text_of(name: str) -> str:
    return (ROOT / "deploy" / "docker" / name).read_text(encoding="utf-8")


def instructions(text: str) -> list[tuple[str, str]]:
    """Each with its arguments on one line; comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def last_stage(text: str) -> list[tuple[str, str]]:
    found = instructions(text)
    return found[max(place for place, (word, _) in enumerate(found) if word == "FROM") :]


def broken_rules(text: str) -> set[str]:
    found = instructions(text)
    last = last_stage(text)
    stages = {rest.split(" AS ")[1] for word, rest in found if word == "FROM" and " AS " in rest}
    arguments = dict(rest.split("=", 1) for word, rest in found if word == "ARG" and "=" in rest)
    bases = {rest.split(" AS ")[0] for word, rest in found if word == "FROM"} - stages
    named = {arguments.get(base.strip("${}"), base) for base in bases}
    broken = {f"unpinned base {base}" for base in named if not re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", base)}
    users = [rest for word, rest in last if word == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d+:[1-9]\d+", users[-1]):
        broken.add("no fixed user without rights")
    words = {word for word, _ in last}
    broken |= {f"no {word}" for word in ("HEALTHCHECK", "STOPSIGNAL", "LABEL", "ENTRYPOINT") if word not in words}
    broken |= {f"{word} as a shell's text" for word, rest in last if word in {"CMD", "ENTRYPOINT"} and rest[0] != "["}
    if any(word == "ADD" for word, _ in found):
        broken.add("ADD")
    if any(re.search(r"\b(curl|wget)\b", rest) for word, rest in found if word in {"RUN", "HEALTHCHECK"}):
        broken.add("curl")
    if re.search(r"(?i)(password|secret|api_key|token)\s*=", text):
        broken.add("a secret")
    return broken


@pytest.mark.parametrize("name", DOCKERFILES)
def test_R_OPS_2_dockerfile_passes_its_linter(name: str) -> None:
    if not HADOLINT.is_file():
        pytest.skip("hadolint has no wheel for this machine")
    told = subprocess.run(
        [HADOLINT, "--format=json", ROOT / "deploy" / "docker" / name], capture_output=True, text=True
    )
    found: list[dict[str, Any]] = json.loads(told.stdout)
    assert [f"{item['line']}: {item['code']} {item['message']}" for item in found] == []
    assert told.returncode == 0


@pytest.mark.parametrize("name", DOCKERFILES)
def test_R_OPS_2_image_keeps_the_rules(name: str) -> None:
    assert broken_rules(text_of(name)) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("USER 10001:10001\n", "", "no fixed user without rights"),
        ("USER 10001:10001", "USER root", "no fixed user without rights"),
        ("HEALTHCHECK", "# HEALTHCHECK", "no HEALTHCHECK"),
        ('CMD ["serve"]', "CMD serve", "CMD as a shell's text"),
        ("COPY src/ src/", "ADD src/ src/", "ADD"),
        ("LIANPU_HOME=", "LIANPU_SERVER__API_KEY=x LIANPU_HOME=", "a secret"),
    ],
)
def test_R_OPS_2_broken_rule_is_seen(old: str, new: str, rule: str) -> None:
    text = text_of("Dockerfile")
    assert old in text
    assert rule in broken_rules(text.replace(old, new))


def test_R_OPS_2_unpinned_base_is_seen() -> None:
    assert broken_rules(re.sub(r"@sha256:\w+", "", text_of("Dockerfile"))) == {
        "unpinned base python:3.12.13-slim-bookworm"
    }


@pytest.mark.parametrize("name", DOCKERFILES)
def test_R_OPS_1_image_is_built_by_the_lock_file_of_what_the_project_has(name: str) -> None:
    text = text_of(name)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = set(re.findall(r"--extra (\S+)", text))
    # Every optional part that settings switch on, but for what is large or needs a device of the machine.
    assert extras == project["project"]["optional-dependencies"].keys() - {"camera", "convert", "milvus"}
    assert "ARG FURTHER_EXTRA=\n" in text
    assert set(re.findall(r"--(?:only-)?group (\S+)", text)) <= project["dependency-groups"].keys()
    [runs_uv] = re.findall(r'^UV_REQUIREMENT = "(.+)"$', (ROOT / "run.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"pip install --no-cache-dir {runs_uv}\n" in text
    assert all("--frozen" in rest for word, rest in instructions(text) if word == "RUN" and "uv sync" in rest)
    assert f"ARG VERSION={lianpu.__version__}\n" in text


@pytest.mark.parametrize("name", DOCKERFILES)
def test_R_OPS_2_build_context_holds_what_is_copied_and_nothing_else(name: str) -> None:
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source.rstrip("/")
        for word, rest in instructions(text_of(name))
        if word == "COPY" and "--from=" not in rest
        for source in rest.split()[:-1]
    }
    assert {source for source in copied if not (ROOT / source).exists()} == set()
    assert copied <= let_in
    # `deploy` is let in for one file of it.
    assert let_in - copied == {"deploy", "deploy/docker"}
    assert {"deploy/*", "deploy/docker/*", "src/lianpu/console_dist", "console/node_modules", "**/.env"} <= set(rules)


def test_R_OPS_2_cuda_image_differs_from_the_other_in_what_it_must() -> None:
    plain, cuda = (dict.fromkeys(text_of(name).splitlines()) for name in DOCKERFILES)
    assert [line for line in plain if line not in cuda and not line.startswith("#")] == [
        '    ${FURTHER_EXTRA:+"--extra=$FURTHER_EXTRA"}',
        'LABEL org.opencontainers.image.title="Lianpu" \\',
    ]
