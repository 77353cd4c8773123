"""Whether a pack here makes the very embeddings that a pack of the same name and version made elsewhere."""

import hashlib
import json

from lianpu.errors import PackError, PackNotFoundError
from lianpu.packs.folder import folder_name
from lianpu.packs.manifest import EmbedderRole, PackManifest
from lianpu.packs.registry import EMBEDDED_PACKS, PackRegistry


def weights_digest(manifest: PackManifest) -> str | None:
    """SHA-256 of what decides an embedding: the embedder's weights and how it is run. None: the pack has no embedder.

    An embedded pack is translated anew by each installation and need not get the same bytes: its version stands for its
    weights. The threshold is left out: it judges embeddings and changes none.
    """
    role = manifest.roles.embedder
    if role is None:
        return None
    weights = "embedded" if manifest.name in EMBEDDED_PACKS else manifest.digests[role.file]
    said = {**role.model_dump(mode="json", exclude={"threshold", "file"}), "weights": weights}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


class InstalledWeights:
    """The packs of this installation, each looked at once. Calls block."""

    def __init__(self, registry: PackRegistry) -> None:
        self._registry = registry
        self._known: dict[tuple[str, str], tuple[EmbedderRole, str] | None] = {}

    def of(self, key: tuple[str, str]) -> tuple[EmbedderRole, str] | None:
        """Embedder and digest of the pack version; None where it is not installed or of no use."""
        if key not in self._known:
            self._known[key] = self._read(key)
        return self._known[key]

    def _read(self, key: tuple[str, str]) -> tuple[EmbedderRole, str] | None:
        try:
            manifest = self._registry.get(folder_name(*key)).manifest
        except (PackError, PackNotFoundError):
            return None
        digest = weights_digest(manifest)
        embedder = manifest.roles.embedder
        return None if digest is None or embedder is None else (embedder, digest)
