"""Findings in words, and what can be done about each."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote

from lianpu.gallery.insights.health_findings import FindingKind, Found
from lianpu.gallery.insights.health_schemas import FindingAction, FindingImage, FindingPerson, HealthFinding
from lianpu.gallery.insights.look_alikes import own_threshold_for

FACES = "/api/v1/faces"
FINDINGS = "/api/v1/gallery/health/findings"
MOST_DELETE_ACTIONS = 4


def told(found: Found, names: Mapping[str, str]) -> HealthFinding:
    """`names`: of all persons in the finding, by id."""
    return HealthFinding(
        finding_id=found.finding_id,
        kind=found.kind,
        severity=found.severity,
        persons=[FindingPerson(person_id=item, name=names[item]) for item in found.person_ids],
        images=[FindingImage(person_id=person_id, image_id=image_id) for person_id, image_id in found.images],
        score=found.score,
        limit=found.limit,
        explanation=_explanation(found, [names[item] for item in found.person_ids]),
        actions=list(_actions(found, names)),
    )


def _explanation(found: Found, names: list[str]) -> str:
    score = "" if found.score is None else f"{found.score:.3f}"
    limit = "" if found.limit is None else f"{found.limit:.3f}"
    match found.kind:
        case FindingKind.MISFILED_IMAGE:
            return (
                f"An image of {names[0]!r} does not fit the others and looks like {names[1]!r}: {score}, a match from "
                f"{limit}."
            )
        case FindingKind.DUPLICATE_PERSONS:
            return (
                f"{names[0]!r} and {names[1]!r} are so much alike ({score}, a match from {limit}) that they are "
                "probably one person, enrolled twice."
            )
        case FindingKind.OUTLIER_IMAGE if len(found.images) > 1:
            return (
                f"The images of {names[0]!r} do not resemble one another: {score} at best, a match from {limit}. One "
                "of them may show somebody else."
            )
        case FindingKind.OUTLIER_IMAGE:
            return f"An image of {names[0]!r} does not resemble the others: {score} at best, a match from {limit}."
        case FindingKind.LOOK_ALIKES:
            return (
                f"{names[0]!r} and {names[1]!r} look alike: {score}, a match from {limit}. A search can take one for "
                "the other."
            )
        case FindingKind.DUPLICATE_IMAGES:
            how = "The same file" if found.score is None else f"The same photo (score {score})"
            return f"{how} is enrolled for {' and '.join(map(repr, names))}."
        case FindingKind.NO_EMBEDDING:
            return f"{names[0]!r} cannot be found by {found.scope}: {found.detail}."
        case FindingKind.SINGLE_POOR_IMAGE:
            return f"The only image of {names[0]!r} is poor: {found.detail}. Add a better one."


def _actions(found: Found, names: Mapping[str, str]) -> Iterator[FindingAction]:
    match found.kind:
        case FindingKind.MISFILED_IMAGE:
            person, other = found.person_ids
            (_, image_id), *_ = found.images
            label = f"Move the image to {names[other]}"
            path = f"{_image_path(person, image_id)}/move"
            yield _action("move_image", label, "POST", path, {"to_person_id": other})
            yield _delete(found, names, 0)
        case FindingKind.DUPLICATE_PERSONS:
            kept, other = found.person_ids
            for number, (into, merged) in enumerate(((kept, other), (other, kept))):
                label = f"Merge {names[merged]} into {names[into]}"
                path = f"{_person_path(into)}/merge"
                yield _action(_numbered("merge", number), label, "POST", path, {"from": [merged]})
        case FindingKind.LOOK_ALIKES:
            assert found.score is not None
            threshold = own_threshold_for(found.score)
            for number, person in enumerate(found.person_ids):
                label = f"Give {names[person]} a threshold of {threshold:g}"
                body = {"threshold": threshold}
                yield _action(_numbered("set_threshold", number), label, "PATCH", _person_path(person), body)
        case FindingKind.OUTLIER_IMAGE | FindingKind.DUPLICATE_IMAGES:
            for number in range(min(len(found.images), MOST_DELETE_ACTIONS)):
                yield _delete(found, names, number)
        case FindingKind.NO_EMBEDDING:
            person = found.person_ids[0]
            path = f"{_person_path(person)}/generate-features?model_name={quote(found.scope)}"
            yield _action("generate_features", f"Make the embeddings of {found.scope}", "POST", path)
        case FindingKind.SINGLE_POOR_IMAGE:
            pass
    yield _action("dismiss", "This is fine", "POST", f"{FINDINGS}/{found.finding_id}/dismiss")


def _delete(found: Found, names: Mapping[str, str], number: int) -> FindingAction:
    person_id, image_id = found.images[number]
    label = f"Delete the image of {names[person_id]}"
    return _action(_numbered("delete_image", number), label, "DELETE", _image_path(person_id, image_id))


def _action(
    action: str, label: str, method: Literal["POST", "PATCH", "DELETE"], path: str, body: dict[str, Any] | None = None
) -> FindingAction:
    code = f"health.{action.rstrip('_0123456789')}"
    return FindingAction(action=action, label_code=code, label=label, method=method, path=path, body=body)


def _numbered(action: str, number: int) -> str:
    return action if number == 0 else f"{action}_{number + 1}"


def _person_path(person_id: str) -> str:
    return f"{FACES}/{quote(person_id, safe='')}"


def _image_path(person_id: str, image_id: str) -> str:
    return f"{_person_path(person_id)}/images/{image_id}"
