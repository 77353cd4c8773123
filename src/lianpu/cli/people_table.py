"""A table (CSV) of persons and their photos, as photos that can be enrolled; what is wrong is told by line."""

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lianpu.cli.photo_uploads import PHOTO_SUFFIXES, Photo
from lianpu.errors import LianpuError
from lianpu.gallery.identity import checked_metadata, checked_name, checked_person_id, person_id_from

PERSON_ID, NAME, IMAGE, FACE_INDEX = "person_id", "name", "image", "face_index"
HEADINGS: Mapping[str, str] = {
    **dict.fromkeys(("person_id", "personid", "id", "编号", "工号", "学号"), PERSON_ID),
    **dict.fromkeys(("name", "person", "full_name", "姓名", "名字"), NAME),
    **dict.fromkeys(("image", "image_path", "photo", "photo_path", "file", "path", "照片", "图片", "文件"), IMAGE),
    "face_index": FACE_INDEX,
}
"""Headings that are known without being told; letters of either case."""
DELIMITERS = ",;\t|"
MAX_BYTES = 64 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Of GBK's two bytes a character the second is never ASCII in everyday words, and the first is one of these.
_EVERYDAY = range(0xB0, 0xF8)


class TableUnreadableError(LianpuError):
    """A table as a whole cannot be read: its encoding, its heading, or its form."""

    code, title = "table_unreadable", "Table not readable"


@dataclass(frozen=True, slots=True)
class RowProblem:
    line: int
    message: str


@dataclass
class Table:
    encoding: str
    photos: list[Photo] = field(default_factory=list[Photo])
    problems: list[RowProblem] = field(default_factory=list[RowProblem])


def read_table(file: Path, images: Path, *, encoding: str | None, columns: Mapping[str, str]) -> Table:
    """Blocks.

    Args:
        images: folder that paths of photos start from and never leave.
        encoding: None: found out.
        columns: headings of `person_id`, `name`, `image` and `face_index`, where they are called otherwise.

    Raises:
        TableUnreadableError: nothing can be made of it.
    """
    data = file.read_bytes()
    if len(data) > MAX_BYTES:
        raise TableUnreadableError(f"{file} has more than {MAX_BYTES:,} bytes: cut it.")
    used = encoding or encoding_of(data)
    if used is None:
        raise TableUnreadableError(f"{file} is neither UTF-8 nor GBK: say by --encoding what it is.")
    try:
        text = data.decode(used)
    except (LookupError, UnicodeDecodeError) as error:
        raise TableUnreadableError(f"{file} cannot be read as {used}: {error}") from error
    heading = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=heading.count), strict=True)
    table = Table(used)
    try:
        first = next(rows, list[str]())
        headings = [one.strip() for one in first]
        reader = _RowReader(headings, _fields_of(headings, columns, file), images.resolve())
        for cells in rows:
            if any(cell.strip() for cell in cells):
                _read_row(reader, table, rows.line_num, cells)
    except csv.Error as error:
        raise TableUnreadableError(f"{file}, line {rows.line_num}: {error}.") from error
    return table


def encoding_of(data: bytes) -> str | None:
    """UTF-8 and UTF-16 by their marks, UTF-8 since nothing else looks like it, GBK by its everyday characters."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030" if _is_everyday_gbk(data) else None
    return "utf-8"


def _is_everyday_gbk(data: bytes) -> bool:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    pairs = [encoded for char in text if len(encoded := char.encode("gb18030")) > 1]
    everyday = sum(len(pair) == 2 and pair[0] in _EVERYDAY and pair[1] >= 0xA1 for pair in pairs)
    return everyday >= 0.8 * len(pairs)


def _fields_of(headings: Sequence[str], columns: Mapping[str, str], file: Path) -> list[str | None]:
    """Which of our fields each column is; None: a key of the metadata."""
    told = {heading: name for name, heading in columns.items()}
    missing = [heading for heading in told if heading not in headings]
    if missing:
        raise TableUnreadableError(f"{file} has no column {missing[0]!r}; its heading is: {', '.join(headings)}.")
    fields = [told.get(heading) or HEADINGS.get(heading.lower()) for heading in headings]
    # What was told goes before what the name of another column would say.
    fields = [
        None if name in columns and heading not in told else name
        for heading, name in zip(headings, fields, strict=True)
    ]
    for name in {*fields} - {None}:
        if fields.count(name) > 1:
            raise TableUnreadableError(f"{file} has several columns for {name}: say by --column {name}=HEADING which.")
    if IMAGE not in fields or not {PERSON_ID, NAME} & {*fields}:
        raise TableUnreadableError(
            f"{file} needs a column for the image and one for name or person_id in its first line, which is: "
            f"{', '.join(headings) or 'empty'}. Say by --column image=HEADING which it is."
        )
    return fields


def _read_row(reader: "_RowReader", table: Table, line: int, cells: Sequence[str]) -> None:
    try:
        table.photos.append(reader.photo(line, cells))
    except ValueError as error:
        table.problems.append(RowProblem(line, str(error)))


class _RowReader:
    """Makes photos of rows; remembers what was said of each person, since rows must not contradict each other."""

    def __init__(self, headings: Sequence[str], fields: Sequence[str | None], images: Path) -> None:
        self._headings = headings
        self._fields = fields
        self._images = images
        self._persons: dict[str, tuple[int, str, dict[str, str]]] = {}

    def photo(self, line: int, cells: Sequence[str]) -> Photo:
        """
        Raises:
            ValueError: the row cannot be used; says why.
        """
        if len(cells) != len(self._fields):
            raise ValueError(f"has {len(cells)} columns, the heading {len(self._fields)}")
        row: dict[str, str] = {}
        metadata: dict[str, str] = {}
        for heading, known, cell in zip(self._headings, self._fields, cells, strict=True):
            if known is not None:
                row[known] = cell.strip()
            elif heading and cell.strip():
                metadata[heading] = cell.strip()
        person_id, name = row.get(PERSON_ID, ""), row.get(NAME, "")
        if not person_id and not name:
            raise ValueError("has neither a name nor a person_id")
        path = self._path(row[IMAGE])
        index = row.get(FACE_INDEX, "")
        if index and not index.isdecimal():
            raise ValueError(f"face_index {index!r} is no number from 0")
        checked_metadata(dict(metadata))
        name = _checked("name", name or person_id)
        person_id = _checked("person_id", person_id or person_id_from(name))
        self._agree(line, person_id, name, metadata)
        return Photo(
            name,
            path,
            f"{line:08}/{path.name}",
            path.stat().st_size,
            person_id=person_id,
            metadata=dict(metadata),
            face_index=int(index) if index else None,
            label=f"line {line} ({path.name})",
        )

    def _path(self, told: str) -> Path:
        if not told:
            raise ValueError("names no image")
        if "\0" in told:
            raise ValueError("its image has a NUL character in its path")
        # Tables of another system have its slashes.
        path = (self._images / told.replace("\\", "/")).resolve()
        if not path.is_relative_to(self._images):
            raise ValueError(f"its image {told!r} lies outside {self._images}")
        if path.suffix.lower() not in PHOTO_SUFFIXES:
            raise ValueError(f"its image {told!r} has no name of a photo")
        if not path.is_file():
            raise ValueError(f"there is no image {told!r} in {self._images}")
        return path

    def _agree(self, line: int, person_id: str, name: str, metadata: dict[str, str]) -> None:
        first, known_name, known_metadata = self._persons.setdefault(person_id, (line, name, metadata))
        if name != known_name:
            raise ValueError(f"calls {person_id!r} {name!r}, line {first} calls them {known_name!r}")
        if metadata and metadata != known_metadata:
            raise ValueError(f"says otherwise than line {first} about {person_id!r}")


def _checked(field_name: str, value: str) -> str:
    try:
        return (checked_name if field_name == NAME else checked_person_id)(value)
    except ValueError as error:
        raise ValueError(f"{field_name} {value!r} {error}") from error
