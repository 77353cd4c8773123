"""What the manifest of a pack says that restores faces or enlarges photos, made from the networks that were found."""

from collections.abc import Sequence
from dataclasses import dataclass

from lianpu.errors import PackInvalidError
from lianpu.packs.manifest import Family, Role
from lianpu.packs.networks import RecognisedNetwork

ENHANCING_ROLES = frozenset({Role.RESTORER, Role.UPSCALER})


@dataclass(frozen=True, slots=True)
class EnhancingNetwork:
    file: str
    recognised: RecognisedNetwork


def enhancing_content(networks: Sequence[EnhancingNetwork], origin: str) -> dict[str, object]:
    """Family and roles, as they stand in a manifest.

    Raises:
        PackInvalidError: there are several restorers, restorers and upscalers, or two upscalers of one scale.
    """
    restorers = [network for network in networks if network.recognised.role is Role.RESTORER]
    upscalers = [network for network in networks if network.recognised.role is Role.UPSCALER]
    if len(restorers) + bool(upscalers) > 1:
        names = ", ".join(network.file for network in networks)
        raise PackInvalidError(
            f"{origin} holds more than one pack's networks for enhancing photos: {names}. Import them one by one."
        )
    if restorers:
        role: dict[str, object] = {"engine": restorers[0].recognised.engine, "file": restorers[0].file}
        return {"family": Family.RESTORE.value, "roles": {"restorer": role}}
    scales = [network.recognised.scale for network in upscalers]
    if len(set(scales)) != len(scales):
        raise PackInvalidError(f"{origin} holds two networks that enlarge by the same factor. Import them one by one.")
    found = sorted((network.recognised.scale or 1, network.file) for network in upscalers)
    entries = [{"file": file, "scale": scale} for scale, file in found]
    role = {"engine": upscalers[0].recognised.engine, "networks": entries}
    return {"family": Family.UPSCALE.value, "roles": {"upscaler": role}}
