"""A file of PyTorch's weights becomes a folder that can be imported as a pack: exported, compared, described."""

import dataclasses
import re
import shutil
import uuid
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from lianpu.errors import ConversionFailedError, PackInvalidError, StorageError
from lianpu.packs.catalogued import Catalogue
from lianpu.packs.compose_enhancing import EnhancingNetwork, enhancing_content
from lianpu.packs.folder import sha256_of
from lianpu.packs.insightface import pack_name
from lianpu.packs.licence import UNKNOWN, licence_of_spdx
from lianpu.packs.manifest import (
    MANIFEST_FILE,
    PACK_NAME_PATTERN,
    PACK_VERSION_PATTERN,
    Licence,
    Pack,
    Role,
    format_manifest,
    parse_manifest,
)
from lianpu.packs.networks import recognise_image_network
from lianpu.packs.pytorch.export import compare_network, export_network
from lianpu.packs.pytorch.libraries import import_libraries
from lianpu.packs.pytorch.network import TorchNetwork, recognise_weights
from lianpu.packs.pytorch.weights_file import read_state_dict, weights_format
from lianpu.packs.registry import EMBEDDED_PACKS
from lianpu.runtime.session import Session, SessionFactory


@dataclass(frozen=True, slots=True)
class ConversionOptions:
    """What the person who converts says; None where the file is to tell."""

    name: str | None = None
    version: str | None = None
    licence: str | None = None
    """SPDX id of weights that the catalogue does not know."""
    tile_px: int | None = None
    """Side of the only square that an upscaler will take, for networks that cannot be exported for all sizes."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A pack folder, not imported yet."""

    pack: Pack
    architecture: str
    difference: float
    """The largest between PyTorch's answers and those of the ONNX file, in steps of an 8-bit channel."""


def convert_weights(
    weights: Path, output: Path, options: ConversionOptions, sessions: SessionFactory, catalogue: Catalogue
) -> Converted:
    """Read, export, compare, describe; the folder appears whole or not at all.

    Args:
        weights: a file of torch.save or safetensors. No code of it is run.
        output: the folder to be made; it may be there if it is empty.
        sessions: runs the exported network for the comparison.
        catalogue: knows the terms of weights by their digest.

    Raises:
        WeightsUnusableError: the file holds no weights, or none that a pack can be made of.
        ConverterMissingError: the extra `convert` is not installed.
        PackInvalidError: a name, version or licence that does not go, or a tile where none is wanted.
        ConversionFailedError: the network cannot be exported, or the ONNX file answers otherwise.
        PackDamagedError: the ONNX file does not load.
        StorageError: the folder cannot be written.
    """
    weights_format(weights)
    name, version = _checked_name(weights, options), _checked_version(options)
    digest = sha256_of(weights)
    licence = _licence(digest, weights, options, catalogue)
    with warnings.catch_warnings(), _staging(output) as staging:
        # Of torch about itself, and of the code of architectures.
        warnings.simplefilter("ignore")
        libraries = import_libraries()
        network = _sized(recognise_weights(read_state_dict(weights, libraries), weights.name, libraries), options)
        exported = staging / f"{name}.onnx"
        export_network(network, exported, libraries)
        session = sessions.open(exported)
        difference = compare_network(network, exported, session, libraries)
        content = {
            "name": name,
            "version": version,
            "summary": f"Converted from {weights.name} ({network.architecture}; SHA-256 {digest})",
            "licence": licence.model_dump(exclude_none=True),
            "files": [{"path": exported.name, "sha256": sha256_of(exported), "bytes": exported.stat().st_size}],
            **enhancing_content([_recognised(network, exported, session)], weights.name),
        }
        manifest = parse_manifest(tomli_w.dumps(content), f"The manifest made for {weights.name}")
        (staging / MANIFEST_FILE).write_text(format_manifest(manifest), encoding="utf-8", newline="\n")
        staging.rename(output)
    return Converted(Pack(manifest, output), network.architecture, difference)


def _checked_name(weights: Path, options: ConversionOptions) -> str:
    name = options.name or pack_name(weights.stem)
    if not re.fullmatch(PACK_NAME_PATTERN, name):
        raise PackInvalidError(f"'{name}' is no name of a pack (a-z 0-9 . _ -); give one with --name.")
    if name in EMBEDDED_PACKS:
        raise PackInvalidError(f"'{name}' is the name of an embedded pack; give another one with --name.")
    return name


def _checked_version(options: ConversionOptions) -> str:
    version = options.version or "1"
    if not re.fullmatch(PACK_VERSION_PATTERN, version):
        raise PackInvalidError(f"'{version}' is no version of a pack (letters, digits and . + _ -).")
    return version


def _licence(digest: str, weights: Path, options: ConversionOptions, catalogue: Catalogue) -> Licence:
    """Converting changes no terms: those of weights that the catalogue knows are the catalogue's."""
    known = next((pack for pack in catalogue.packs if any(file.sha256 == digest for file in pack.files)), None)
    if known is None:
        return licence_of_spdx(options.licence) if options.licence else UNKNOWN
    if options.licence not in {None, known.licence.id}:
        raise PackInvalidError(
            f"{weights.name} is a file of {known.label}, whose terms ({known.licence.id}) --licence cannot change."
        )
    return known.licence


def _sized(network: TorchNetwork, options: ConversionOptions) -> TorchNetwork:
    if options.tile_px is None:
        return network
    if network.role is not Role.UPSCALER:
        raise PackInvalidError(f"{network.architecture} restores faces of {network.side_px} pixels; leave --tile away.")
    return dataclasses.replace(network, side_px=options.tile_px)


def _recognised(network: TorchNetwork, exported: Path, session: Session) -> EnhancingNetwork:
    """By the same look at the file that an import takes."""
    recognised = recognise_image_network(session)
    if recognised is None or (recognised.role, recognised.scale or 1) != (network.role, network.scale):
        raise ConversionFailedError(
            f"{exported.name} would not be taken for what {network.architecture} is: {network.role}, x{network.scale}."
        )
    return EnhancingNetwork(exported.name, recognised)


@contextmanager
def _staging(output: Path) -> Generator[Path]:
    """A folder beside the wanted one, so that a rename puts it in place whole; gone afterwards."""
    staging = output.parent / f".{output.name}-{uuid.uuid4().hex}"
    try:
        staging.mkdir(parents=True)
        yield staging
    except OSError as error:
        raise StorageError(f"The folder {output} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
