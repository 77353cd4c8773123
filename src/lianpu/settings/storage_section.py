"""Where images are kept."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from lianpu.settings.section import Section


def _service(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("must be the address of the service such as https://s3.example:9000, without credentials")
    return value


class StorageSettings(Section):
    kind: Literal["folder", "s3"]
    bucket: str | None = Field(min_length=3, max_length=63)
    prefix: str | None
    endpoint: Annotated[str, AfterValidator(_service)] | None
    region: str = Field(min_length=1)
    access_key_id: SecretStr | None
    secret_access_key: SecretStr | None
