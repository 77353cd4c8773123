"""Labelled images and the pairs to compare: LFW, a folder of identities, or images with a table of pairs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

import numpy as np

from lianpu.errors import EvaluationInvalidError
from lianpu.evaluation.pair_lists import LfwImage, is_pair_table, parse_lfw_pairs, parse_pair_table
from lianpu.evaluation.pairs import Flags, Numbers, Pairs, Sampling, all_pairs, spread
from lianpu.evaluation.sources import Source, read_text

LFW_PAIRS = "pairs.txt"
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}


class Protocol(StrEnum):
    """How a data set says who is who."""

    LFW = "lfw"
    """pairs.txt and PERSON/PERSON_0001.jpg; the face nearest the centre counts."""
    FOLDER = "folder"
    """A folder a person; all against all; the largest face counts."""
    PAIRS = "pairs"
    """A CSV table of pairs; the largest face counts."""


class FaceChoice(StrEnum):
    """Which face of an image is meant."""

    CENTRAL = "central"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True)
class DataSet:
    """`persons`: [images] a number for each person; of a table of pairs, whom its genuine pairs join."""

    protocol: Protocol
    source: Source
    images: tuple[str, ...]
    persons: Numbers
    pairs: Pairs
    face_choice: FaceChoice

    @property
    def people_of_pairs(self) -> Numbers:
        """[n, 2]."""
        return np.stack([self.persons[self.pairs.first], self.persons[self.pairs.second]], axis=1)


def load_data_set(source: Source, protocol: Protocol | None, table: str | None, sampling: Sampling) -> DataSet:
    """
    Args:
        protocol: None finds it out: pairs.txt makes it LFW, one table of pairs at the top a table, all else a folder.
        table: which file of the source is the table of pairs.

    Raises:
        EvaluationInvalidError: nothing there can be evaluated, or it is not clear what to.
    """
    if table is not None and protocol not in {None, Protocol.PAIRS}:
        raise EvaluationInvalidError(f"A table of pairs does not go with the protocol {protocol}.")
    lists = sorted((name for name in source.files if PurePosixPath(name).name == LFW_PAIRS), key=_depth)
    if protocol is None and table is None and lists:
        protocol = Protocol.LFW
    if protocol is Protocol.LFW:
        if not lists:
            raise EvaluationInvalidError(f"{source.path} holds no {LFW_PAIRS}, which LFW's protocol needs.")
        return _lfw(source, lists[0], sampling)
    if protocol is not Protocol.FOLDER:
        table = _table(source, table, needed=protocol is Protocol.PAIRS)
    return _folder(source, sampling) if table is None else _table_of_pairs(source, table, sampling)


def _lfw(source: Source, list_name: str, sampling: Sampling) -> DataSet:
    parsed = parse_lfw_pairs(read_text(source, list_name))
    by_ending: dict[tuple[str, str], str] = {}
    for name in _images(source):
        path = PurePosixPath(name)
        if by_ending.setdefault((path.parent.name, path.stem), name) != name:
            raise EvaluationInvalidError(f"{source.path} holds {path.parent.name}/{path.stem} more than once.")

    def found(image: LfwImage) -> str:
        stem = f"{image.person}_{image.number:04d}"
        name = by_ending.get((image.person, stem))
        if name is None:
            raise EvaluationInvalidError(f"{list_name} names {image.person}/{stem}, which is not in {source.path}.")
        return name

    names = [(found(pair.first), found(pair.second)) for pair in parsed]
    persons = {
        name: image.person
        for pair, both in zip(parsed, names, strict=True)
        for name, image in zip(both, (pair.first, pair.second), strict=True)
    }
    folds = np.array([pair.fold for pair in parsed], np.int64)
    same = np.array([pair.same for pair in parsed])
    return _of_pairs(Protocol.LFW, source, names, same, folds, persons, FaceChoice.CENTRAL, sampling)


def _table(source: Source, table: str | None, *, needed: bool) -> str | None:
    if table is not None:
        if table not in source.files:
            raise EvaluationInvalidError(f"{source.path} holds no {table}.")
        return table
    tables = [name for name in source.files if "/" not in name and name.lower().endswith(".csv")]
    fitting = [name for name in tables if is_pair_table(read_text(source, name))]
    if len(fitting) > 1:
        raise EvaluationInvalidError(
            f"{source.path} holds several tables of pairs: {', '.join(fitting)}. Name one by --pairs."
        )
    if needed and not fitting:
        raise EvaluationInvalidError(f"{source.path} holds no table of pairs (CSV: file_x,file_y,Decision).")
    return fitting[0] if fitting else None


def _table_of_pairs(source: Source, table: str, sampling: Sampling) -> DataSet:
    parsed = parse_pair_table(read_text(source, table), table)
    beside = PurePosixPath(table).parent
    images = set(_images(source))
    names: list[tuple[str, str]] = []
    for pair in parsed:
        both = tuple((beside / name).as_posix() for name in (pair.first, pair.second))
        missing = next((name for name in both if name not in images), None)
        if missing is not None:
            raise EvaluationInvalidError(f"{table} names {missing!r}, which is no image of {source.path}.")
        if both[0] == both[1]:
            raise EvaluationInvalidError(f"{table} compares {both[0]!r} with itself.")
        names.append((both[0], both[1]))
    same = np.array([pair.same for pair in parsed])
    joined = _joined([pair for pair, flag in zip(names, same, strict=True) if flag])
    persons = {name: joined.get(name, name) for both in names for name in both}
    return _of_pairs(Protocol.PAIRS, source, names, same, None, persons, FaceChoice.LARGEST, sampling)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each name, one that stands for all that pairs join it with."""
    standing: dict[str, str] = {}

    def root(name: str) -> str:
        while standing.setdefault(name, name) != name:
            standing[name] = standing[standing[name]]
            name = standing[name]
        return name

    for first, second in pairs:
        standing[root(first)] = root(second)
    return {name: root(name) for name in list(standing)}


def _of_pairs(
    protocol: Protocol,
    source: Source,
    names: list[tuple[str, str]],
    same: Flags,
    folds: Numbers | None,
    persons: dict[str, str],
    choice: FaceChoice,
    sampling: Sampling,
) -> DataSet:
    kept = spread(same, folds, sampling)
    names = [names[int(place)] for place in kept]
    images = sorted({name for both in names for name in both})
    places = {name: place for place, name in enumerate(images)}
    numbers = {person: number for number, person in enumerate(sorted(set(persons.values())))}
    pairs = Pairs(
        np.array([places[first] for first, _ in names], np.int64),
        np.array([places[second] for _, second in names], np.int64),
        same[kept],
        None if folds is None else folds[kept],
    )
    people = np.array([numbers[persons[name]] for name in images], np.int64)
    return DataSet(protocol, source, tuple(images), people, pairs, choice)


def _folder(source: Source, sampling: Sampling) -> DataSet:
    of_person: dict[str, list[str]] = defaultdict(list[str])
    images = _images(source)
    top = _common_folder(images)
    for name in images:
        path = PurePosixPath(name).relative_to(top)
        if len(path.parts) > 1:
            of_person[path.parts[0]].append(name)
    people = sorted(of_person)
    if sampling.limit is not None and sampling.limit < len(people):
        random = np.random.default_rng(sampling.seed)
        drawn: list[int] = np.sort(random.permutation(len(people))[: sampling.limit]).tolist()
        people = [people[place] for place in drawn]
    names = [name for person in people for name in of_person[person]]
    persons = np.repeat(np.arange(len(people)), [len(of_person[person]) for person in people]).astype(np.int64)
    if len(people) < 2 or len(names) == len(people):
        raise EvaluationInvalidError(
            f"{source.path} holds images of {len(people)} persons. An evaluation needs a folder a person "
            "(PERSON/photo.jpg), two persons at least and two images of one of them; or pairs.txt; or a table of pairs."
        )
    pairs = all_pairs(persons, sampling)
    return DataSet(Protocol.FOLDER, source, tuple(names), persons, pairs, FaceChoice.LARGEST)


def _common_folder(images: list[str]) -> PurePosixPath:
    """The folder that the persons' folders lie in: archives often wrap everything in one folder more."""
    top = PurePosixPath()
    while True:
        firsts = {PurePosixPath(name).relative_to(top).parts[0] for name in images}
        deep = all(len(PurePosixPath(name).relative_to(top).parts) > 2 for name in images)
        if len(firsts) != 1 or not deep:
            return top
        top /= firsts.pop()


def _images(source: Source) -> list[str]:
    return [name for name in source.files if PurePosixPath(name).suffix.lower() in _SUFFIXES]


def _depth(name: str) -> int:
    return name.count("/")
