"""What the doctor says of photo enhancement: which archives can be read, and whether memory may reach a disk."""

from typing import TYPE_CHECKING

from lianpu.cli.private_memory import swap_areas
from lianpu.storage.foreign_archive import has_libarchive

if TYPE_CHECKING:
    from lianpu.settings import Settings


def archives_state() -> tuple[str, bool]:
    """A sentence, and whether something is missing."""
    if has_libarchive():
        return "ZIP, tar, RAR and 7z can be enhanced", False
    return "RAR and 7z cannot be read: install libarchive (Debian: apt install libarchive13)", True


def memory_state() -> tuple[str, bool]:
    """Likewise."""
    areas = swap_areas()
    if areas is None:
        return "whether this system swaps cannot be told: photos in memory may be written to disk by it", True
    if areas:
        named = ", ".join(areas)
        return f"the system swaps to {named}: photos in memory may be written there; switch it off or encrypt it", True
    return "no swap: what lies in memory stays there", False


def store_state(settings: "Settings") -> tuple[str, bool]:
    """Likewise, of the ephemeral store."""
    import asyncio

    from pydantic import SecretStr

    from lianpu.errors import LianpuError
    from lianpu.storage.ephemeral_redis import RedisStore

    storage = settings.enhance.storage
    if not isinstance(storage, SecretStr):
        return "results wait in the server's memory", False

    async def look() -> None:
        store = RedisStore(storage.get_secret_value())
        try:
            await store.check()
        finally:
            await store.close()

    try:
        asyncio.run(look())
    except LianpuError as error:
        return error.detail, True
    return "results wait in a Redis that writes nothing to disk", False
