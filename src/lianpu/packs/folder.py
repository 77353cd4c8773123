"""A pack's folder on disk: where it lies, how its manifest is read, and whether its files are those it names."""

import hashlib
from pathlib import Path

from lianpu.errors import PackDamagedError, PackIncompleteError, PackInvalidError, StorageError
from lianpu.packs.manifest import MANIFEST_FILE, Pack, parse_manifest

MAX_MANIFEST_BYTES = 1_000_000


def folder_name(name: str, version: str) -> str:
    """Name of the folder an installed pack lies in, e.g. `buffalo_l@0.7`."""
    return f"{name}@{version}"


def installed_folders(packs_dir: Path, name: str | None = None) -> list[Path]:
    """Folders of the installed packs, or of one pack's versions, sorted; hidden ones are passed over.

    Raises:
        StorageError: the folder may not be looked into.
    """
    try:
        found = list(packs_dir.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(f"The packs folder {packs_dir} cannot be read: {error.strerror or error}.") from error
    return sorted(
        folder
        for folder in found
        if folder.is_dir() and not folder.name.startswith(".") and (name is None or split_name(folder.name)[0] == name)
    )


def split_name(named: str) -> tuple[str, str | None]:
    """`name@version` or `name` as (name, version or None)."""
    name, _, version = named.partition("@")
    return name, version or None


def read_pack(folder: Path) -> Pack:
    """Read an installed pack's manifest; its files are not looked at.

    Raises:
        PackDamagedError: the manifest is missing, cannot be read, is not valid, or describes another pack.
    """
    try:
        manifest_file = folder / MANIFEST_FILE
        if manifest_file.stat().st_size > MAX_MANIFEST_BYTES:
            raise PackDamagedError(f"Pack '{folder.name}': {MANIFEST_FILE} is too large to be a manifest")
        manifest = parse_manifest(manifest_file.read_text(encoding="utf-8"), MANIFEST_FILE)
    except FileNotFoundError as error:
        raise PackDamagedError(f"Pack '{folder.name}' has no {MANIFEST_FILE}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PackDamagedError(f"Pack '{folder.name}': {MANIFEST_FILE} cannot be read") from error
    except PackInvalidError as error:
        raise PackDamagedError(f"Pack '{folder.name}': {error.detail}", errors=error.errors) from error
    expected = folder_name(manifest.name, manifest.version)
    if folder.name != expected:
        raise PackDamagedError(f"Pack '{folder.name}': its {MANIFEST_FILE} describes '{expected}'")
    return Pack(manifest, folder)


def check_sizes(pack: Pack) -> None:
    """Whether every file is there and as long as the manifest says; cheap, so done whenever a pack is opened.

    Raises:
        PackIncompleteError: a file is missing.
        PackDamagedError: a file has another size, or is a link out of the folder.
    """
    advice = f"Remove the pack and import it again, or see `lianpu models verify {pack.name}`."
    for file in pack.manifest.files:
        path = pack.path_of(file.path)
        if not path.is_file():
            raise PackIncompleteError(f"Pack '{pack.name}' lacks {file.path}. {advice}")
        size_bytes = path.stat().st_size
        if size_bytes != file.bytes:
            raise PackDamagedError(
                f"Pack '{pack.name}': {file.path} has {size_bytes} bytes instead of {file.bytes}. {advice}"
            )


def digest_problems(pack: Pack) -> list[str]:
    """Reads every file in full; one sentence for each that is missing or not the one the manifest names."""
    problems: list[str] = []
    for file in pack.manifest.files:
        try:
            path = pack.path_of(file.path)
            if not path.is_file():
                problems.append(f"{file.path} is missing")
            elif path.stat().st_size != file.bytes:
                problems.append(f"{file.path} has {path.stat().st_size} bytes instead of {file.bytes}")
            elif (digest := sha256_of(path)) != file.sha256:
                problems.append(f"{file.path} has SHA-256 {digest} instead of {file.sha256}")
        except PackDamagedError as error:
            problems.append(error.detail)
        except OSError as error:
            problems.append(f"{file.path} cannot be read: {error.strerror}")
    return problems


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
