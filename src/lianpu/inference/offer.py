"""What a source offers under a name: a model that can be made, or the reason why it cannot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lianpu.errors import FieldError
from lianpu.inference.model import InferenceModel

MakeModel = Callable[[], InferenceModel]
"""A new instance, not loaded yet: a class without constructor arguments, or a `functools.partial` that gives them."""


class ModelSource(StrEnum):
    """Where a model comes from; of several with one name the source named first here has it."""

    BUILT_IN = "built-in"
    PACKAGE = "package"
    """An installed Python package: its code runs inside the server."""
    FOLDER = "folder"
    """A folder dropped into `HOME/models`: data alone, never code."""


class ModelState(StrEnum):
    READY = "ready"
    """It can be used, loaded already or not; its first use may still find a fault in it."""
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of the list of models."""

    name: str
    source: ModelSource
    origin: str
    """For people: which package or folder."""
    state: ModelState
    detail: str
    """Why it cannot be used; empty where it can."""
    title: str
    version: str
    description: str
    licence: str
    labels: tuple[str, ...] | None
    """The classes that a classifier tells apart."""
    parameters: dict[str, Any]
    """JSON schema of what a request may set."""
    is_loaded: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """One model of one source."""

    name: str
    source: ModelSource
    origin: str
    make: MakeModel | None = None
    """None: it cannot be made, and `problem` says why."""
    described: InferenceModel | None = None
    """An instance that is never loaded; for its attributes and `problem`."""
    problem: str = ""
    errors: Sequence[FieldError] = ()
    """Every wrong field of a manifest."""
    signature: object = None
    """Another one means another model: a loaded instance of an older one is replaced."""

    @classmethod
    def of(cls, make: MakeModel, source: ModelSource, origin: str, signature: object = None) -> "Offer":
        """An offer that holds; an instance is made once, for its attributes."""
        described = make()
        return cls(described.name, source, origin, make, described, signature=signature)

    def status(self, problem: str, *, is_loaded: bool) -> ModelStatus:
        """`problem`: why it cannot be used now, also where that is not the offer's own; empty: it can be used."""
        model = self.described
        return ModelStatus(
            name=self.name,
            source=self.source,
            origin=self.origin,
            state=ModelState.UNAVAILABLE if problem else ModelState.READY,
            detail=problem,
            title=(model.title if model else "") or self.name,
            version=model.version if model else "",
            description=model.description if model else "",
            licence=model.licence if model else "",
            labels=tuple(model.labels) if model and model.labels is not None else None,
            parameters=model.parameters.model_json_schema() if model else {},
            is_loaded=is_loaded,
        )


def cause_of(error: BaseException) -> str:
    """Class and first line of an error of somebody else's code, at most 300 characters."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
