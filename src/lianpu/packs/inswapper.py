"""Weights of the inswapper contract: told by their inputs, and made a pack of the family `swap`."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import tomli_w

from lianpu.packs.insightface import pack_name
from lianpu.packs.licence import INSIGHTFACE_NON_COMMERCIAL, UNKNOWN, licence_of_spdx
from lianpu.packs.manifest import Family, Licence, PackManifest, parse_manifest
from lianpu.packs.source import PackSource
from lianpu.runtime.session import SessionFactory, TensorSpec

LATENT = 512
"""Length of the identity that every network of this contract takes."""
RELEASE = "0.7"
# From the lists of official weights, and from independent lists of what is in use (docs/engines.md).
DIGESTS = frozenset(
    {
        "e4a3f08c753cb72d04e10aa0f7dbe3deebbf39567d4ead6dce08e98aa49e16af",  # inswapper_128
        "0fa95f167682b4f61edf24f8d66c46b4ab130e8be058f00c8150e6d0170ca72f",  # the same, exported anew
        "32031dbe50398c1beffa9daadaec8dd7ae9529d8314a0307b45a4987497f8494",  # inswapper_128_fp16
        "6d51a9278a1f650cffefc18ba53f38bf2769bf4bbff89267822cf72945f8a38b",  # inswapper_128_fp16, another
    }
)


@dataclass(frozen=True, slots=True)
class InswapperInputs:
    """Which input of a graph is which, told by shape: exports name them differently."""

    picture: str
    latent: str
    side_px: int


def inswapper_inputs(inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]) -> InswapperInputs | None:
    """None: the network is another one."""
    pictures = [spec for spec in inputs if len(spec.shape) == 4 and spec.shape[1] == 3]
    latents = [spec for spec in inputs if len(spec.shape) == 2 and spec.shape[1] == LATENT]
    if len(inputs) != 2 or len(pictures) != 1 or len(latents) != 1 or len(outputs) != 1:
        return None
    height, width = pictures[0].shape[2:]
    if height != width or len(outputs[0].shape) != 4 or outputs[0].shape[1] not in {3, None}:
        return None
    return InswapperInputs(pictures[0].name, latents[0].name, height or 128)


def compose_inswapper(
    files: PackSource,
    staging: Path,
    sessions: SessionFactory,
    *,
    name: str | None,
    version: str | None,
    licence: str | Licence | None,
) -> PackManifest | None:
    """A pack of a source that is one ONNX file of this contract; None: it is another thing, and nothing is staged.

    Raises:
        PackDamagedError: the file does not load.
        PackInvalidError: its name makes none for a pack, or is none.
    """
    networks = [path for path in files.paths if path.lower().endswith(".onnx")]
    if len(networks) != 1:
        return None
    file = PurePosixPath(networks[0]).name
    copied = files.copy(networks[0], staging / file)
    session = sessions.open(staging / file)
    if inswapper_inputs(session.inputs, session.outputs) is None:
        (staging / file).unlink()
        return None
    is_known = copied.sha256 in DIGESTS
    if is_known:
        terms = INSIGHTFACE_NON_COMMERCIAL
    elif isinstance(licence, Licence):
        terms = licence
    else:
        terms = licence_of_spdx(licence) if licence else UNKNOWN
    content: dict[str, object] = {
        "schema_version": 1,
        "name": name or pack_name(PurePosixPath(file).stem),
        "version": version or (RELEASE if is_known else "1"),
        "family": Family.SWAP.value,
        "summary": f"Imported from {files.origin}: {file}, of the inswapper contract",
        "licence": terms.model_dump(exclude_none=True),
        "files": [{"path": file, "sha256": copied.sha256, "bytes": copied.size_bytes}],
        "roles": {},
    }
    # Through the text, so that names taken from a hostile source meet the same checks as a manifest from outside.
    return parse_manifest(tomli_w.dumps(content), f"The manifest made for {files.origin}")
