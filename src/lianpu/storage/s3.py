"""File storage in a bucket of an S3-compatible service."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from lianpu.errors import SettingsError, StorageUnavailableError
from lianpu.storage.files import StoredFile, checked_name

TIMEOUT = timedelta(seconds=60)
"""For one request: a large photo over a slow line."""
CONNECT_TIMEOUT = timedelta(seconds=3)
RETRIES = 2
RETRY_FOR = timedelta(seconds=10)
RETRY_AFTER_S = 5
NO_BUCKET = "NoSuchBucket"
"""S3's code, in what it answers; to HEAD alone it answers nothing but 404."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bucket:
    name: str
    prefix: str = ""
    """Folder of the bucket; empty: all of it."""
    endpoint: str | None = None
    """None: Amazon's, of the region."""
    region: str = "us-east-1"
    access_key_id: str | None = field(default=None, repr=False)
    """None: as the environment or the machine's role says."""
    secret_access_key: str | None = field(default=None, repr=False)


class S3Storage:
    """Implements `FileStorage`: an object a blob. A PUT shows the whole object or nothing; there is no unfinished one.

    Trouble with the service is a `StorageUnavailableError`, which is an `OSError` too: to whoever expects a disk to
    fail it is one that does.
    """

    def __init__(self, bucket: Bucket) -> None:
        """Nothing is reached yet.

        Raises:
            SettingsError: its package is not installed, or the settings of the bucket cannot be used.
        """
        try:
            self._obstore: Any = import_module("obstore")
            store: Any = import_module("obstore.store").S3Store
            self._failures: Any = import_module("obstore.exceptions").BaseError
        except ImportError as error:
            raise SettingsError(
                "storage.kind is s3, and the package for it is not installed: install lianpu[s3]."
            ) from error
        given = {
            "endpoint": bucket.endpoint,
            "access_key_id": bucket.access_key_id,
            "secret_access_key": bucket.secret_access_key,
        }
        try:
            self._store: Any = store(
                bucket.name,
                region=bucket.region,
                virtual_hosted_style_request=False,
                client_options={
                    "timeout": TIMEOUT,
                    "connect_timeout": CONNECT_TIMEOUT,
                    "allow_http": bucket.endpoint is not None and bucket.endpoint.startswith("http://"),
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_FOR},
                **{name: value for name, value in given.items() if value is not None},
            )
        except self._failures as error:
            raise SettingsError(f"The bucket {bucket.name!r} of the section storage cannot be used.") from error
        self._prefix = f"{bucket.prefix.strip('/')}/" if bucket.prefix.strip("/") else ""

    def write(self, name: str, data: bytes) -> None:
        self._asked(self._obstore.put, self._key(name), data)

    def take(self, name: str, file: Path) -> None:
        # In parts where it is large: it is never whole in memory.
        self._asked(self._obstore.put, self._key(name), file)
        file.unlink()

    def read(self, name: str) -> bytes:
        return self._asked(lambda store, key: bytes(self._obstore.get(store, key).bytes()), self._key(name))

    def size_bytes(self, name: str) -> int:
        return int(self._asked(self._obstore.head, self._key(name))["size"])

    def files(self, folder: str) -> Iterator[StoredFile]:
        parts = iter(self._asked(self._obstore.list, f"{self._key(folder)}/"))
        while True:
            part = self._asked(lambda _store, _key: next(parts, None), "")
            if part is None:
                return
            for found in part:
                name = found["path"].removeprefix(self._prefix)
                yield StoredFile(name, int(found["size"]), name, found["last_modified"])

    def delete(self, name: str) -> None:
        try:
            self._asked(self._obstore.delete, self._key(name))
        except FileNotFoundError:  # some services say so
            return

    def delete_unfinished(self, name: str) -> None:
        """There is none: parts of an upload that was cut off are no objects, and the bucket's rules clear them."""

    def _key(self, name: str) -> str:
        return self._prefix + checked_name(name)

    def _asked(self, call: Callable[[Any, str], T], *arguments: Any) -> T:
        """
        Raises:
            FileNotFoundError: there is no such object.
            StorageUnavailableError: the service does not answer, or refuses.
        """
        try:
            return call(self._store, *arguments)
        except (self._failures, OSError) as error:
            if isinstance(error, FileNotFoundError) and NO_BUCKET not in str(error):
                raise
            # The text of the error holds the address, and may hold what was signed.
            raise StorageUnavailableError(
                f"The storage of images (S3) does not answer, or refuses ({type(error).__name__}).",
                retry_after_s=RETRY_AFTER_S,
            ) from error
