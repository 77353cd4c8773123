"""Reads lists of labelled pairs: LFW's pairs.txt, and tables with two file names and a verdict in a row."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from lianpu.errors import EvaluationInvalidError

MAX_PAIRS = 5_000_000
MAX_FOLDS = 1_000
_YES = {"yes", "true", "1", "same", "genuine", "y"}
_NO = {"no", "false", "0", "different", "impostor", "n"}
_FIRST_COLUMNS = ("file_x", "first", "image1", "file1", "path1")
_SECOND_COLUMNS = ("file_y", "second", "image2", "file2", "path2")
_VERDICT_COLUMNS = ("decision", "same", "is_same", "match", "label")


@dataclass(frozen=True, slots=True)
class LfwImage:
    """The image `number`, from 1, of a person."""

    person: str
    number: int


@dataclass(frozen=True, slots=True)
class LfwPair:
    first: LfwImage
    second: LfwImage
    fold: int
    """From 0."""

    @property
    def same(self) -> bool:
        return self.first.person == self.second.person


@dataclass(frozen=True, slots=True)
class FilePair:
    """Two names as the table gives them."""

    first: str
    second: str
    same: bool


def parse_lfw_pairs(text: str) -> list[LfwPair]:
    """LFW's format (http://vis-www.cs.umass.edu/lfw/README.txt), of View 1 and View 2.

    The first line has the number of folds and of pairs a kind in each (View 1: the pairs alone, one fold). Then, fold
    by fold, as many lines `person number number`, and as many `person number person number` of two persons. Fields
    are separated by tabs.

    Raises:
        EvaluationInvalidError: something is otherwise; names the line.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise EvaluationInvalidError("The list of pairs is empty.")
    head = lines[0].split()
    counts = [_number(field) for field in head]
    if len(counts) not in {1, 2} or None in counts:
        raise EvaluationInvalidError("Line 1 of the list of pairs must be its number of folds and of pairs a fold.")
    folds, size = (1, counts[0] or 0) if len(counts) == 1 else (counts[0] or 0, counts[1] or 0)
    if not 1 <= folds <= MAX_FOLDS or size < 1 or folds * size * 2 > MAX_PAIRS:
        raise EvaluationInvalidError(f"Line 1 of the list of pairs announces {folds} folds of 2 × {size} pairs.")
    if len(lines) - 1 != folds * size * 2:
        raise EvaluationInvalidError(
            f"The list of pairs announces {folds} × 2 × {size} pairs and has {len(lines) - 1} lines of them."
        )
    return [
        _lfw_pair(line, place + 2, place // (2 * size), same=place % (2 * size) < size)
        for place, line in enumerate(lines[1:])
    ]


def _lfw_pair(line: str, number: int, fold: int, *, same: bool) -> LfwPair:
    fields = [field.strip() for field in line.split("\t")] if "\t" in line else line.split()
    numbers = [_number(field) for field in (fields[1:3] if same else fields[1::2])]
    if len(fields) != (3 if same else 4) or None in numbers or not fields[0]:
        wanted = "person number number" if same else "person number person number"
        raise EvaluationInvalidError(f"Line {number} of the list of pairs is not `{wanted}`: {line[:80]!r}.")
    first_number, second_number = (value or 0 for value in numbers)
    other = fields[0] if same else fields[2]
    if not other or (not same and other == fields[0]):
        raise EvaluationInvalidError(f"Line {number} of the list of pairs does not name two persons: {line[:80]!r}.")
    return LfwPair(LfwImage(fields[0], first_number), LfwImage(other, second_number), fold)


def _number(field: str) -> int | None:
    return int(field) if field.isascii() and field.isdigit() and len(field) <= 7 else None


def parse_pair_table(text: str, name: str) -> list[FilePair]:
    """A CSV table with a header: two file names and whether they show the same person (yes/no, true/false, 1/0).

    Columns are found by name, in any order and case: file_x, file_y and Decision (as DeepFace's), first, second and
    same, image1, image2 and match; others are passed over.

    Raises:
        EvaluationInvalidError: a column is missing, a row is not complete or its verdict is no verdict.
    """
    try:
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(rows, None)
        columns = _columns(header or [])
        if columns is None:
            raise EvaluationInvalidError(
                f"{name} is no table of pairs: its first line must name the columns, such as file_x,file_y,Decision."
            )
        pairs: list[FilePair] = []
        for row in rows:
            if any(field.strip() for field in row):
                pairs.append(_file_pair(row, columns, f"{name}, line {rows.line_num}"))
            if len(pairs) > MAX_PAIRS:
                raise EvaluationInvalidError(f"{name} has more than {MAX_PAIRS:,} pairs.")
    except csv.Error as error:
        raise EvaluationInvalidError(f"{name} is no CSV: {error}.") from error
    if not pairs:
        raise EvaluationInvalidError(f"{name} has no pairs.")
    return pairs


def is_pair_table(text: str) -> bool:
    """Whether the first line names the columns of a table of pairs."""
    line = text.split("\n", 1)[0]
    try:
        header = next(csv.reader([line]), None)
        return header is not None and _columns(header) is not None
    except csv.Error:
        return False


def _columns(header: Sequence[str]) -> tuple[int, int, int] | None:
    names = [field.strip().casefold() for field in header]

    def place(wanted: tuple[str, ...]) -> int | None:
        return next((names.index(name) for name in wanted if name in names), None)

    first, second, verdict = place(_FIRST_COLUMNS), place(_SECOND_COLUMNS), place(_VERDICT_COLUMNS)
    return None if first is None or second is None or verdict is None else (first, second, verdict)


def _file_pair(row: Sequence[str], columns: tuple[int, int, int], where: str) -> FilePair:
    if len(row) <= max(columns):
        raise EvaluationInvalidError(f"{where}: the row has {len(row)} fields.")
    first, second, verdict = (row[place].strip() for place in columns)
    if not first or not second:
        raise EvaluationInvalidError(f"{where}: a file name is missing.")
    if verdict.casefold() not in _YES | _NO:
        raise EvaluationInvalidError(f"{where}: {verdict[:40]!r} is neither yes nor no.")
    return FilePair(first, second, verdict.casefold() in _YES)
