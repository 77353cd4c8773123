"""Makes the manifest of a pack that has none: finds a detector and an embedder among ONNX files and describes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import tomli_w

from lianpu.errors import PackDamagedError, PackInvalidError
from lianpu.packs import insightface
from lianpu.packs.insightface import DeclaredRoles, pack_name
from lianpu.packs.licence import INSIGHTFACE_NON_COMMERCIAL, UNKNOWN, licence_of_spdx
from lianpu.packs.manifest import Licence, PackManifest, Role, parse_manifest
from lianpu.packs.networks import RecognisedNetwork, recognise_as, recognise_network
from lianpu.packs.source import CopiedFile, PackSource
from lianpu.runtime.session import SessionFactory

# Every candidate is copied and loaded once to see what it is.
_MAX_CANDIDATES = 16
# On the test kit's WIDER FACE photos, faces of 30 pixels and more: SCRFD 2.5G at 0.5 is right 99.5 % of the time and
# finds 86 %; YuNet 2023mar at 0.5 is right 96.5 % of the time, at 0.6 97.6 % and finds 80 %.
_SCORE_THRESHOLDS = {"scrfd": 0.5, "yunet": 0.6}


@dataclass(frozen=True, slots=True)
class Composition:
    """What the person who imports says about a pack without a manifest; None where the source is to tell."""

    name: str | None = None
    version: str | None = None
    detector: str | None = None
    embedder: str | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class _Network:
    """A candidate that lies in the staging folder."""

    path: str
    """Where it lay in the source."""
    file: str
    copied: CopiedFile
    recognised: RecognisedNetwork


def compose_manifest(files: PackSource, staging: Path, sessions: SessionFactory, wanted: Composition) -> PackManifest:
    """Copy the two networks of a pack into the staging folder and describe them.

    Raises:
        PackInvalidError: there is not exactly one detector with landmarks and one embedder, or they are not named.
        PackDamagedError: a network does not load.
    """
    declared = _declared(files)
    detector_path = _explicit(files, wanted.detector) or (declared.detector if declared else None)
    embedder_path = _explicit(files, wanted.embedder) or (declared.embedder if declared else None)
    named = {Role.DETECTOR: detector_path, Role.EMBEDDER: embedder_path}
    networks = _stage(files, staging, sessions, named)
    detector = _only(networks, Role.DETECTOR, detector_path, files.origin)
    embedder = _only(networks, Role.EMBEDDER, embedder_path, files.origin)
    if not detector.recognised.gives_landmarks:
        raise PackInvalidError(
            f"The detector {detector.path} gives no landmarks, which aligning faces needs; use its variant with key "
            "points (its name often ends in _bnkps or _kps)"
        )
    for network in networks:
        if network not in (detector, embedder):
            (staging / network.file).unlink()
    return _describe(files, wanted, declared, detector, embedder)


def _declared(files: PackSource) -> DeclaredRoles | None:
    if insightface.MANIFEST_FILE not in files.paths:
        return None
    return insightface.parse_insightface_manifest(files.read_text(insightface.MANIFEST_FILE), files.origin)


def _explicit(files: PackSource, given: str | None) -> str | None:
    """A file named by hand: one of the source's, or one from elsewhere."""
    if given is None or given in files.paths:
        return given
    if Path(given).is_file():
        return files.add(Path(given))
    raise PackInvalidError(f"{given} is neither a file of {files.origin} nor one on this machine")


def _stage(files: PackSource, staging: Path, sessions: SessionFactory, named: dict[Role, str | None]) -> list[_Network]:
    candidates = [path for path in named.values() if path]
    if len(candidates) < len(named):
        every = [path for path in files.paths if path.lower().endswith(".onnx") and path not in candidates]
        candidates += [path for path in every if PurePosixPath(path).name not in insightface.LEFT_OUT]
    if not candidates:
        raise PackInvalidError(f"{files.origin} holds no pack.toml and no ONNX files")
    if len(candidates) > _MAX_CANDIDATES:
        raise PackInvalidError(
            f"{files.origin} holds {len(candidates)} ONNX files; name two of them with --detector and --embedder"
        )
    networks: list[_Network] = []
    for number, path in enumerate(candidates):
        file = PurePosixPath(path).name
        if any(network.file.casefold() == file.casefold() for network in networks):
            file = f"{number}-{file}"
        copied = files.copy(path, staging / file)
        role = next((role for role, given in named.items() if given == path), None)
        recognised = _recognise(staging / file, path, role, sessions)
        if recognised is None:
            (staging / file).unlink()
        else:
            networks.append(_Network(path, file, copied, recognised))
    return networks


def _recognise(staged: Path, path: str, role: Role | None, sessions: SessionFactory) -> RecognisedNetwork | None:
    try:
        session = sessions.open(staged)
    except PackDamagedError as error:
        raise PackDamagedError(f"{path} is no network that can be loaded: {error.detail}") from error
    if role is None:
        return recognise_network(session.inputs, session.outputs)
    recognised = recognise_as(role, session.inputs, session.outputs)
    if recognised is None:
        wanted = "SCRFD or YuNet" if role is Role.DETECTOR else "ArcFace-family"
        raise PackInvalidError(f"{path} cannot be the {role}: it is no {wanted} network")
    return recognised


def _only(networks: Sequence[_Network], role: Role, named: str | None, origin: str) -> _Network:
    found = [
        network for network in networks if network.recognised.role is role and (named is None or network.path == named)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(network.path for network in found)
        raise PackInvalidError(f"{origin} holds {len(found)} networks for the {role}: {names}. Name one: --{role} FILE")
    raise PackInvalidError(
        f"{origin} holds no {role} that is recognised; a pack needs a detector and an embedder. Name it: --{role} FILE"
    )


def _describe(
    files: PackSource, wanted: Composition, declared: DeclaredRoles | None, detector: _Network, embedder: _Network
) -> PackManifest:
    stem = PurePosixPath(files.origin).stem if files.paths != [detector.path, embedder.path] else embedder.file
    name = wanted.name or (declared.name if declared else "") or pack_name(PurePosixPath(stem).stem)
    if not name:
        raise PackInvalidError(f"{files.origin} makes no name for a pack; give it one with --name")
    known = _is_insightface(name, declared, (detector, embedder))
    licence = _licence(wanted.licence, known=known)
    left_out = sorted(
        path for path in files.paths if path.lower().endswith(".onnx") and path not in {detector.path, embedder.path}
    )
    summary = f"Imported from {files.origin}: {detector.file} and {embedder.file}"
    embedder_role: dict[str, object] = {
        "engine": embedder.recognised.engine,
        "file": embedder.file,
        "metric": "cosine",
        "threshold": insightface.ARCFACE_THRESHOLD,
    }
    if declared and declared.mean is not None and declared.std is not None:
        embedder_role |= {"mean": declared.mean, "std": declared.std}
    content: dict[str, object] = {
        "schema_version": 1,
        "name": name,
        "version": wanted.version or _version(declared, name),
        "summary": summary + (f"; left out: {', '.join(left_out)}" if left_out else ""),
        "licence": licence.model_dump(exclude_none=True),
        "files": [
            {"path": network.file, "sha256": network.copied.sha256, "bytes": network.copied.size_bytes}
            for network in (detector, embedder)
        ],
        "roles": {
            "detector": {
                "engine": detector.recognised.engine,
                "file": detector.file,
                "score_threshold": _SCORE_THRESHOLDS[detector.recognised.engine],
            },
            "embedder": embedder_role,
        },
    }
    # Through the text, so that names taken from a hostile source meet the same checks as a manifest from outside.
    return parse_manifest(tomli_w.dumps(content), f"The manifest made for {files.origin}")


def _is_insightface(name: str, declared: DeclaredRoles | None, networks: Sequence[_Network]) -> bool:
    return (
        declared is not None
        or name in insightface.PACKS
        or any(network.copied.sha256 in insightface.DIGESTS for network in networks)
    )


def _version(declared: DeclaredRoles | None, name: str) -> str:
    if declared is not None:
        return declared.version
    return insightface.RELEASE if name in insightface.PACKS else "1"


def _licence(given: str | None, *, known: bool) -> Licence:
    if not known:
        return licence_of_spdx(given) if given else UNKNOWN
    if given not in {None, INSIGHTFACE_NON_COMMERCIAL.id}:
        raise PackInvalidError(
            "These are, in part at least, InsightFace's weights, whose public terms --licence cannot change. Who has "
            "bought other terms states them in a pack.toml."
        )
    return INSIGHTFACE_NON_COMMERCIAL
