"""The base of everything that the server answers with."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Frozen. What a newer server says beyond the known fields is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())
