"""Where translated packs are kept: each made once beside its place, then renamed into it, whatever else runs."""

import contextlib
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

from lianpu.errors import PackDamagedError, PackInvalidError, StorageError
from lianpu.packs.folder import digest_problems
from lianpu.packs.manifest import MANIFEST_FILE, Pack, parse_manifest

_ABANDONED_AFTER_S = 3600


class TranslationCache:
    """One pack's place in a cache folder. Safe against other threads and processes: the first to finish wins."""

    def __init__(self, cache: Path, name: str, translator_version: int, sources: Mapping[str, str]) -> None:
        """
        Args:
            cache: folder for translated packs; made where it is missing.
            name: of the pack.
            translator_version: of the files made from the weights: a change makes every cache be built anew.
            sources: the files it is made from, and their SHA-256.
        """
        parts = [f"translator {translator_version}", *(f"{file} {digest}" for file, digest in sources.items())]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        self._name = name
        self._cache = cache
        self.folder = cache / f"{name}-{digest[:16]}"

    def cached(self) -> Pack | None:
        """The pack if the cache holds it whole by names and sizes: a millisecond, no digest is computed."""
        try:
            text = (self.folder / MANIFEST_FILE).read_text(encoding="utf-8")
            pack = Pack(parse_manifest(text, MANIFEST_FILE), self.folder)
            whole = all(pack.path_of(file.path).stat().st_size == file.bytes for file in pack.manifest.files)
        except (OSError, UnicodeDecodeError, PackInvalidError, PackDamagedError):
            return None
        return pack if whole else None

    def build(self, translate: Callable[[Path], None]) -> Pack:
        """Have all files written into an empty folder, and put that in place.

        Raises:
            StorageError: the cache cannot be written.
            PackDamagedError: what was written is no whole pack; or what `translate` raises.
        """
        with self._as_storage_error():
            self._cache.mkdir(parents=True, exist_ok=True)
            self._sweep()
            with self._temporary() as temporary:
                # The folder that is renamed is one below: the temporary one itself stays for its clean-up.
                built = temporary / self._name
                built.mkdir()
                translate(built)
                self._put_in_place(built)
        pack = self.cached()
        if pack is None:
            raise PackDamagedError(f"The pack '{self._name}' was changed while it was made; try again")
        return pack

    def keep_or_discard(self) -> Pack | None:
        """The cached pack if its files are what its manifest says, read in full; else it is removed.

        Raises:
            StorageError: the cache cannot be written.
        """
        cached = self.cached()
        # Whole again: another process was here first.
        if cached is not None and not digest_problems(cached):
            return cached
        with self._as_storage_error():
            self._discard()
        return None

    def _put_in_place(self, built: Path) -> None:
        if self.cached() is not None:
            return
        # What is there is not whole; a folder cannot be renamed onto one that holds something.
        self._discard()
        try:
            built.replace(self.folder)
        except OSError:
            # Another process renamed its own in between, which is as good.
            if self.cached() is None:
                raise

    def _sweep(self) -> None:
        """Remove what a process that was killed while it translated left behind."""
        for folder in self._cache.glob(f".{self._name}-*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER_S:
                    shutil.rmtree(folder, ignore_errors=True)

    def _discard(self) -> None:
        """Remove the folder so that nobody ever sees half of it."""
        with self._temporary() as temporary:
            # Gone already, if another process was faster.
            with contextlib.suppress(FileNotFoundError):
                self.folder.replace(temporary / "old")
            shutil.rmtree(temporary / "old", ignore_errors=True)

    @contextlib.contextmanager
    def _temporary(self) -> Generator[Path]:
        prefix = f".{self._name}-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=self._cache, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    @contextlib.contextmanager
    def _as_storage_error(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"The pack cache cannot be written: {error.strerror}", context={"path": str(self._cache)}
            ) from error
