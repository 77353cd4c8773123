"""Makes the manifest of a pack that has none: finds out what ONNX files are for and describes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import tomli_w

from lianpu.errors import PackDamagedError, PackInvalidError
from lianpu.packs import insightface, minifasnet
from lianpu.packs.insightface import DeclaredRoles, pack_name
from lianpu.packs.inswapper import compose_inswapper
from lianpu.packs.licence import INSIGHTFACE_NON_COMMERCIAL, UNKNOWN, licence_of_spdx
from lianpu.packs.manifest import Licence, PackManifest, Role, parse_manifest
from lianpu.packs.networks import RecognisedNetwork, recognise_as, recognise_network
from lianpu.packs.source import CopiedFile, PackSource
from lianpu.runtime.session import SessionFactory

# Every candidate is copied and loaded once to see what it is.
_MAX_CANDIDATES = 16
# On the test kit's WIDER FACE photos, faces of 30 pixels and more: SCRFD 2.5G at 0.5 is right 99.5 % of the time and
# finds 86 %; YuNet 2023mar at 0.5 is right 96.5 % of the time, at 0.6 97.6 % and finds 80 %.
_FAMILIES = {
    Role.DETECTOR: "SCRFD or YuNet",
    Role.EMBEDDER: "ArcFace-family",
    Role.LIVENESS: "MiniFASNet (80x80 pixels, three classes)",
    Role.ATTRIBUTES: "gender and age (96x96 pixels, three values)",
}
_SCORE_THRESHOLDS = {"scrfd": 0.5, "yunet": 0.6}


@dataclass(frozen=True, slots=True)
class Composition:
    """What the person who imports says about a pack without a manifest; None where the source is to tell."""

    name: str | None = None
    version: str | None = None
    detector: str | None = None
    embedder: str | None = None
    licence: str | Licence | None = None
    liveness: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Network:
    """A candidate that lies in the staging folder."""

    path: str
    """Where it lay in the source."""
    file: str
    copied: CopiedFile
    recognised: RecognisedNetwork


def compose_manifest(files: PackSource, staging: Path, sessions: SessionFactory, wanted: Composition) -> PackManifest:
    """Copy a pack's networks into the staging folder and describe them: detector and embedder, liveness, or all.

    A source that is one network of the inswapper contract becomes a pack of the family `swap`.

    Attributes are for faces that are recognised, and come along with a detector and an embedder only.

    Raises:
        PackInvalidError: there is not exactly one detector with landmarks and one embedder, or they are not named; or
            it is not known at which scale a liveness network sees faces.
        PackDamagedError: a network does not load.
    """
    if wanted.detector is None and wanted.embedder is None and not wanted.liveness:
        swapping = compose_inswapper(
            files, staging, sessions, name=wanted.name, version=wanted.version, licence=wanted.licence
        )
        if swapping is not None:
            return swapping
    declared = _declared(files)
    detector_path = _explicit(files, wanted.detector) or (declared.detector if declared else None)
    embedder_path = _explicit(files, wanted.embedder) or (declared.embedder if declared else None)
    liveness_paths = [path for given in wanted.liveness if (path := _explicit(files, given))]
    said = ((detector_path, Role.DETECTOR), (embedder_path, Role.EMBEDDER))
    named = {path: role for path, role in said if path} | dict.fromkeys(liveness_paths, Role.LIVENESS)
    networks = _stage(files, staging, sessions, named)
    liveness = [
        network
        for network in networks
        if network.recognised.role is Role.LIVENESS and (not liveness_paths or network.path in liveness_paths)
    ]
    recognising: tuple[_Network, ...] = ()
    attributes: list[_Network] = []
    if not liveness or any(network.recognised.role in {Role.DETECTOR, Role.EMBEDDER} for network in networks):
        detector = _only(networks, Role.DETECTOR, detector_path, files.origin)
        if not detector.recognised.gives_landmarks:
            raise PackInvalidError(
                f"The detector {detector.path} gives no landmarks, which aligning faces needs; use its variant with "
                "key points (its name often ends in _bnkps or _kps)"
            )
        recognising = (detector, _only(networks, Role.EMBEDDER, embedder_path, files.origin))
        attributes = _attributes(networks, files.origin)
    for network in networks:
        if network not in (*recognising, *liveness, *attributes):
            (staging / network.file).unlink()
    return _describe(files, wanted, declared, recognising, [*liveness, *attributes])


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


def _stage(files: PackSource, staging: Path, sessions: SessionFactory, named: Mapping[str, Role]) -> list[_Network]:
    """`named`: what the person said or the source declares of single files; the others are found out."""
    candidates = list(named)
    given = set(named.values())
    everything_is_named = given >= {Role.DETECTOR, Role.EMBEDDER} or given == {Role.LIVENESS}
    every = [path for path in files.paths if path.lower().endswith(".onnx") and path not in candidates]
    if not everything_is_named:
        candidates += [path for path in every if PurePosixPath(path).name not in insightface.LEFT_OUT]
    elif given != {Role.LIVENESS}:
        candidates += [path for path in every if PurePosixPath(path).name == insightface.ATTRIBUTES_FILE]
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
        recognised = _recognise(staging / file, path, named.get(path), sessions)
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
        raise PackInvalidError(f"{path} cannot be the {role}: it is no {_FAMILIES[role]} network")
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


def _attributes(networks: Sequence[_Network], origin: str) -> list[_Network]:
    """The network for gender and age, if there is one."""
    found = [network for network in networks if network.recognised.role is Role.ATTRIBUTES]
    if len(found) > 1:
        names = ", ".join(network.path for network in found)
        raise PackInvalidError(f"{origin} holds {len(found)} networks for gender and age: {names}. Leave one of them.")
    return found


def _describe(
    files: PackSource,
    wanted: Composition,
    declared: DeclaredRoles | None,
    recognising: Sequence[_Network],
    others: Sequence[_Network],
) -> PackManifest:
    """`recognising`: nothing, or the detector and the embedder; `others`: of any further roles."""
    networks = (*recognising, *others)
    name = wanted.name or (declared.name if declared else "") or _name_of(files, recognising)
    if not name:
        raise PackInvalidError(f"{files.origin} makes no name for a pack; give it one with --name")
    known = _is_insightface(name, declared, networks)
    kept = {network.path for network in networks}
    left_out = sorted(path for path in files.paths if path.lower().endswith(".onnx") and path not in kept)
    summary = f"Imported from {files.origin}: {' and '.join(network.file for network in networks)}"
    roles: dict[str, object] = {}
    if recognising:
        roles |= _recognising_roles(*recognising, declared=declared)
    liveness = [network for network in others if network.recognised.role is Role.LIVENESS]
    if liveness:
        roles |= {"liveness": _liveness_role(liveness)}
    for network in others:
        if network.recognised.role is Role.ATTRIBUTES:
            roles |= {"attributes": {"engine": network.recognised.engine, "file": network.file}}
    content: dict[str, object] = {
        "schema_version": 1,
        "name": name,
        "version": wanted.version or _version(declared, name),
        "summary": summary + (f"; left out: {', '.join(left_out)}" if left_out else ""),
        "licence": _licence(wanted.licence, networks, known=known).model_dump(exclude_none=True),
        "files": [
            {"path": network.file, "sha256": network.copied.sha256, "bytes": network.copied.size_bytes}
            for network in networks
        ],
        "roles": roles,
    }
    # Through the text, so that names taken from a hostile source meet the same checks as a manifest from outside.
    return parse_manifest(tomli_w.dumps(content), f"The manifest made for {files.origin}")


def _name_of(files: PackSource, recognising: Sequence[_Network]) -> str:
    if not recognising:
        return minifasnet.NAME
    detector, embedder = recognising
    stem = PurePosixPath(files.origin).stem if files.paths != [detector.path, embedder.path] else embedder.file
    return pack_name(PurePosixPath(stem).stem)


def _recognising_roles(
    detector: _Network, embedder: _Network, *, declared: DeclaredRoles | None
) -> dict[str, dict[str, object]]:
    embedder_role: dict[str, object] = {
        "engine": embedder.recognised.engine,
        "file": embedder.file,
        "metric": "cosine",
        "threshold": insightface.ARCFACE_THRESHOLD,
    }
    if declared and declared.mean is not None and declared.std is not None:
        embedder_role |= {"mean": declared.mean, "std": declared.std}
    detector_role: dict[str, object] = {
        "engine": detector.recognised.engine,
        "file": detector.file,
        "score_threshold": _SCORE_THRESHOLDS[detector.recognised.engine],
    }
    return {"detector": detector_role, "embedder": embedder_role}


def _liveness_role(networks: Sequence[_Network]) -> dict[str, object]:
    seen = [(network.file, minifasnet.scale_of(network.copied.sha256, network.path)) for network in networks]
    return {
        "engine": networks[0].recognised.engine,
        "threshold": minifasnet.THRESHOLD,
        "networks": [{"file": file, "scale": scale} for file, scale in sorted(seen, key=lambda item: item[1])],
    }


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


def _licence(given: str | Licence | None, networks: Sequence[_Network], *, known: bool) -> Licence:
    if not known:
        if not given and all(network.copied.sha256 in minifasnet.SCALES for network in networks):
            return minifasnet.LICENCE
        if isinstance(given, Licence):
            return given
        return licence_of_spdx(given) if given else UNKNOWN
    if (given.id if isinstance(given, Licence) else given) not in {None, INSIGHTFACE_NON_COMMERCIAL.id}:
        raise PackInvalidError(
            "These are, in part at least, InsightFace's weights, whose public terms --licence cannot change. Who has "
            "bought other terms states them in a pack.toml."
        )
    return INSIGHTFACE_NON_COMMERCIAL
