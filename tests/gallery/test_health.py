"""What the health report finds in embeddings, on people made of numbers."""

from collections.abc import Mapping

import numpy as np
import pytest

from lianpu.gallery.insights.health_findings import FindingKind, Found, Limits, Severity, find
from lianpu.gallery.insights.pair_scan import GalleryVectors
from lianpu.packs.metric import Metric, raw_of
from lianpu.vectors.pairs import PairScan, ScanLimits

LIMIT = 0.7
AXES = np.eye(32)


def towards(one: int, other: int, score: float) -> np.ndarray:
    """A unit vector that scores so much against axis `one`, the rest of it along axis `other`."""
    cosine = raw_of(Metric.COSINE, score)
    return cosine * AXES[one] + np.sqrt(1 - cosine**2) * AXES[other]


def findings(people: Mapping[str, list[np.ndarray]], own: dict[str, float] | None = None) -> list[Found]:
    names = list(people)
    persons = np.repeat(np.arange(len(names)), [len(images) for images in people.values()])
    vectors = np.stack([vector for images in people.values() for vector in images]).astype(np.float32)
    images = [f"{name}/{place}" for name, found in people.items() for place in range(len(found))]
    gallery = GalleryVectors(names, persons.astype(np.int64), images, vectors)
    scores = None
    if len(names) > 1:
        scan = PairScan(vectors, gallery.persons, Metric.COSINE, ScanLimits(10**9, with_distribution=False))
        list(scan.steps())
        scores = scan.result()
    return find(gallery, scores, Limits.of(names, own or {}, LIMIT), Metric.COSINE)


def shown(found: list[Found]) -> list[tuple[str, tuple[str, ...], list[str]]]:
    return [(item.kind.value, item.person_ids, [image for _, image in item.images]) for item in found]


STRANGERS = {"x": [AXES[20]], "y": [AXES[21], towards(21, 22, 0.9)]}


def test_R_LIB_5_a_healthy_gallery_has_no_findings() -> None:
    assert findings({"a": [AXES[0], towards(0, 1, 0.9), towards(0, 2, 0.9)], **STRANGERS}) == []


def test_R_LIB_5_an_image_unlike_the_other_two_is_an_outlier() -> None:
    found = findings({"a": [AXES[0], towards(0, 1, 0.9), AXES[5]], **STRANGERS})
    assert shown(found) == [("outlier_image", ("a",), ["a/2"])]
    assert found[0].severity is Severity.MEDIUM


def test_R_LIB_5_a_near_miss_is_less_severe() -> None:
    (found,) = findings({"a": [AXES[0], towards(0, 1, 0.9), towards(0, 5, 0.68)], **STRANGERS})
    assert (found.kind, found.severity) == (FindingKind.OUTLIER_IMAGE, Severity.LOW)
    assert found.score == pytest.approx(0.68, abs=1e-6)


def test_R_LIB_5_two_strangers_filed_together_in_one_person_are_both_outliers() -> None:
    """They match each other, so each has an image like it; the majority does not match them."""
    mixed = [AXES[0], towards(0, 1, 0.9), towards(0, 2, 0.9), AXES[5], towards(5, 6, 0.9)]
    assert shown(findings({"a": mixed, **STRANGERS})) == [
        ("outlier_image", ("a",), ["a/3"]),
        ("outlier_image", ("a",), ["a/4"]),
    ]


def test_R_LIB_5_of_two_unlike_images_one_is_wrong_and_which_is_not_said() -> None:
    assert shown(findings({"a": [AXES[0], AXES[1]], **STRANGERS})) == [("outlier_image", ("a",), ["a/0", "a/1"])]
    assert shown(findings({"a": [AXES[0], AXES[1]]})) == [("outlier_image", ("a",), ["a/0", "a/1"])]


def test_R_LIB_5_an_image_of_somebody_else_is_misfiled_and_makes_nobody_look_alike() -> None:
    people = {
        "a": [AXES[0], towards(0, 1, 0.9), towards(5, 7, 0.92)],
        "b": [AXES[5], towards(5, 6, 0.9)],
    }
    found = findings(people)
    assert shown(found) == [("misfiled_image", ("a", "b"), ["a/2"])]
    assert found[0].score == pytest.approx(0.92, abs=1e-6)


def test_R_LIB_5_two_swapped_images_are_both_misfiled() -> None:
    people = {
        "a": [AXES[0], towards(5, 7, 0.92)],
        "b": [AXES[5], towards(0, 8, 0.92)],
    }
    assert {item[:2] for item in [(one, two) for one, two, _ in shown(findings(people))]} == {
        ("misfiled_image", ("a", "b")),
        ("misfiled_image", ("b", "a")),
    }


@pytest.mark.parametrize(
    ("score", "kind", "severity"),
    [
        (0.67, None, None),
        (0.69, FindingKind.LOOK_ALIKES, Severity.LOW),
        (0.72, FindingKind.LOOK_ALIKES, Severity.MEDIUM),
        (0.79, FindingKind.LOOK_ALIKES, Severity.MEDIUM),
        (0.81, FindingKind.DUPLICATE_PERSONS, Severity.HIGH),
    ],
)
def test_R_LIB_5_how_alike_two_persons_are_says_what_they_are(
    score: float, kind: FindingKind | None, severity: Severity | None
) -> None:
    found = findings({"a": [AXES[0]], "b": [towards(0, 1, score)], **STRANGERS})
    assert [(item.kind, item.severity) for item in found] == ([] if kind is None else [(kind, severity)])


def test_R_LIB_5_own_thresholds_keep_look_alikes_apart() -> None:
    people = {"a": [AXES[0]], "b": [towards(0, 1, 0.72)]}
    assert findings(people, {"a": 0.73, "b": 0.73}) == []
    assert len(findings(people, {"a": 0.73})) == 1


def test_R_LIB_5_many_matching_images_are_one_person_enrolled_twice() -> None:
    centre = towards(0, 2, 0.79)
    people = {
        "a": [AXES[0], towards(0, 1, 0.98)],
        "b": [centre, 0.95 * centre + 0.31 * AXES[3], 0.95 * centre + 0.31 * AXES[4]],
    }
    assert findings({"a": people["a"][:1], "b": people["b"][:1]})[0].kind is FindingKind.LOOK_ALIKES
    (found,) = findings(people)
    assert (found.kind, found.person_ids) == (FindingKind.DUPLICATE_PERSONS, ("b", "a"))


def test_R_LIB_5_one_photo_under_two_persons_is_no_proof_that_they_are_one() -> None:
    photo = AXES[3]
    people = {
        "a": [photo, 0.6 * photo + 0.8 * AXES[1]],
        "b": [photo + 0.01 * AXES[9], 0.6 * photo + 0.8 * AXES[2]],
    }
    # Apart from the photo their images score 0.68.
    assert shown(findings(people)) == [
        ("duplicate_images", ("a", "b"), ["a/0", "b/0"]),
        ("look_alikes", ("a", "b"), ["a/1", "b/1"]),
    ]


def test_R_LIB_5_a_finding_keeps_its_id() -> None:
    one = findings({"a": [AXES[0]], "b": [towards(0, 1, 0.72)], **STRANGERS})[0]
    again = findings({**STRANGERS, "b": [towards(0, 1, 0.73)], "a": [AXES[0]]})[0]
    other = findings({"a": [AXES[0]], "c": [towards(0, 1, 0.72)]})[0]
    assert one.finding_id == again.finding_id != other.finding_id
