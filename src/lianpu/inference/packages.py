"""Models of installed Python packages, by the entry points of the group `lianpu.inference_models`."""

import importlib.metadata
import inspect
import logging
import re
from collections.abc import Sequence
from typing import cast

from lianpu.inference.model import MODEL_NAME_PATTERN, InferenceModel, Parameters
from lianpu.inference.offer import ModelSource, Offer, cause_of

ENTRY_POINT_GROUP = "lianpu.inference_models"

_log = logging.getLogger(__name__)


def package_offers() -> list[Offer]:
    """Import every plug-in and look at it, by name and then by package; one that is broken keeps no other from coming.

    A package may be there twice on the search path, the first of them counts.
    """
    found = {
        (entry_point.name, distribution_of(entry_point)): entry_point
        for entry_point in reversed(tuple(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)))
    }
    return [_offer(found[key], key[1]) for key in sorted(found)]


def distribution_of(entry_point: importlib.metadata.EntryPoint) -> str:
    """Name and version of the package, for people."""
    return f"{entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist else "unknown package"


def _offer(entry_point: importlib.metadata.EntryPoint, origin: str) -> Offer:
    try:
        loaded: object = entry_point.load()
        problem = _class_problem(loaded)
        if not problem:
            assert isinstance(loaded, type)
            assert issubclass(loaded, InferenceModel)
            offer = Offer.of(loaded, ModelSource.PACKAGE, origin)
            problem = _attribute_problem(offer.described, entry_point.name)
            if not problem:
                return offer
    except (Exception, SystemExit) as error:  # whatever somebody else's code raises when it is imported or made
        _log.exception("the plug-in %r of %s (%s) raised", entry_point.name, origin, entry_point.value)
        problem = f"its code raised {cause_of(error)}"
    text = f"The plug-in '{entry_point.name}' of {origin} ({entry_point.value}) cannot be used: {problem}."
    return Offer(entry_point.name, ModelSource.PACKAGE, origin, problem=text)


def _class_problem(found: object) -> str:
    """What is wrong with what an entry point names; empty where it is a model that can be made."""
    if not isinstance(found, type) or not issubclass(found, InferenceModel):
        return "it is no class that derives from lianpu.inference.InferenceModel"
    if inspect.isabstract(found):
        return f"it lacks {', '.join(sorted(found.__abstractmethods__))}"
    return ""


def _attribute_problem(model: object, name: str) -> str:
    """What is wrong with a model's attributes, which nothing but their author's care has checked."""
    for attribute in ("name", "version", "title", "description", "licence"):
        if not isinstance(getattr(model, attribute, None), str):
            return f"its attribute {attribute} is no text"
    own_name, version = getattr(model, "name", None), getattr(model, "version", None)
    if own_name != name:
        return f"its attribute name is {own_name!r}, and the entry point's name {name!r}"
    if not re.fullmatch(MODEL_NAME_PATTERN, name):
        return "its name may hold a-z 0-9 . _ - alone, at most 63"
    if not version:
        return "its attribute version is empty"
    labels: object = getattr(model, "labels", None)
    if labels is not None and not _are_texts(labels):
        return "its attribute labels is no sequence of texts"
    parameters: object = getattr(model, "parameters", None)
    if not isinstance(parameters, type) or not issubclass(parameters, Parameters):
        return "its attribute parameters is no class that derives from lianpu.inference.Parameters"
    required = [field for field, described in parameters.model_fields.items() if described.is_required()]
    if required:
        return f"its parameters need a default: {', '.join(required)}"
    parameters.model_json_schema()  # raises for types that have none
    return ""


def _are_texts(found: object) -> bool:
    return isinstance(found, list | tuple) and all(isinstance(item, str) for item in cast(Sequence[object], found))
