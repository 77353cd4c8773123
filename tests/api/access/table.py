"""The written table of docs/access.md, as tests read it."""

from dataclasses import dataclass
from pathlib import Path

from lianpu.accounts.roles import Role, Scope

DOCUMENT = Path(__file__).parents[3] / "docs" / "access.md"
MARK = "<!-- access table"
WORDS = {"yes": True, "no": False}
BY_QUERY = "`?token=`"
BY_SIGNATURE = "signed address"
OWN_ONLY = "404"


@dataclass(frozen=True, slots=True)
class Row:
    """One call: a method (or `WS`) and the path of a route."""

    method: str
    path: str
    is_open: bool
    roles: frozenset[Role]
    scope: Scope | None
    others: Scope | None
    """Who has it reaches what is somebody else's."""
    is_personal: bool
    """What it is about belongs to one user."""
    by_query: bool
    by_signature: bool

    @property
    def call(self) -> str:
        return f"{self.method} {self.path}"


def read_table() -> tuple[Row, ...]:
    lines = DOCUMENT.read_text(encoding="utf-8").partition(MARK)[2].partition("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return tuple(_row(row) for row in cells)


def read_scopes() -> dict[Scope, frozenset[Role]]:
    """The table of the scopes: which roles have each."""
    lines = DOCUMENT.read_text(encoding="utf-8").partition("| scope |")[2].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {Scope(_plain(row[0])): _roles(row[2:5]) for row in cells}


def _row(cells: list[str]) -> Row:
    call, anybody, *roles, scope, others, note = cells
    method, path = _plain(call).split(" ")
    others = _plain(others)
    return Row(
        method,
        path,
        is_open=WORDS[anybody],
        roles=_roles(roles),
        scope=Scope(_plain(scope)) if scope else None,
        others=Scope(others) if others not in {"", OWN_ONLY} else None,
        is_personal=bool(others),
        by_query=note == BY_QUERY,
        by_signature=note == BY_SIGNATURE,
    )


def _roles(cells: list[str]) -> frozenset[Role]:
    return frozenset(role for role, word in zip(Role, cells, strict=True) if WORDS[word])


def _plain(cell: str) -> str:
    return cell.strip("`")
