"""Where the key for manifests lies: in the home, made at first use; or where the operator put an own one."""

import logging
import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

from lianpu.engines.provenance.manifest import ManifestSigner
from lianpu.engines.provenance.signing_key import SigningCredentials, make_credentials, read_credentials
from lianpu.errors import SigningKeyError
from lianpu.storage.private_file import make_private_file

KEY_FILE = "provenance.pem"
"""Holds the key and its certificates together, so that one is never without the other."""
_log = logging.getLogger(__name__)


class ProvenanceKey:
    """For any number of threads. Blocks at first use."""

    def __init__(self, folder: Path, producer: str, *, key: Path | None, certificates: Path | None) -> None:
        """
        Args:
            folder: of the home's keys.
            key, certificates: PEM files of the operator's own; None: made here.
        """
        self._folder = folder
        self._producer = producer
        self._key = key
        self._certificates = certificates
        self._lock = threading.Lock()
        self._credentials: SigningCredentials | None = None

    @property
    def credentials(self) -> SigningCredentials:
        """
        Raises:
            SigningKeyError: they cannot be read or made, or cannot be used.
        """
        with self._lock:
            if self._credentials is None:
                try:
                    self._credentials = self._read()
                except OSError as error:
                    raise SigningKeyError(f"{error.filename}: {error.strerror or error}.") from error
            return self._credentials

    def signer(self) -> ManifestSigner:
        """
        Raises:
            SigningKeyError: as `credentials`.
        """
        return ManifestSigner(self.credentials)

    def _read(self) -> SigningCredentials:
        if self._key is not None or self._certificates is not None:
            if self._key is None or self._certificates is None:
                raise SigningKeyError("provenance.key_file and provenance.certificate_file are given together or not.")
            return read_credentials(self._key.read_bytes(), self._certificates.read_bytes())
        path = self._folder / KEY_FILE
        if not path.exists():
            made = make_credentials(self._producer, datetime.now(UTC))
            # Another process may be faster: what lies there then counts.
            make_private_file(path, made.key + made.chain)
            _log.info("a key for provenance was made", extra={"file": str(path)})
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
        content = path.read_bytes()
        return read_credentials(content, content)
