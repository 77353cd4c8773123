"""Who is calling, as every route sees it."""

from dataclasses import dataclass
from enum import StrEnum

from lianpu.accounts.roles import Role, Scope


class PrincipalKind(StrEnum):
    USER = "user"
    """Logged in by password."""
    API_KEY = "api_key"
    """A key that a user made; acts for that user."""
    CONFIGURED_KEY = "configured_key"
    """The one key of the settings (`server.api_key`): an administrator without an account."""
    LOCAL = "local"
    """A command of somebody who can read the home's secret: an administrator too."""


@dataclass(frozen=True, slots=True)
class Principal:
    kind: PrincipalKind
    id: str
    """Of the user; `configured` or `local:<system user>` where there is none."""
    name: str
    role: Role
    scopes: frozenset[Scope]
    credential_id: str
    """Of the session or API key; what logging out and revoking end."""

    @property
    def is_user(self) -> bool:
        return self.kind in {PrincipalKind.USER, PrincipalKind.API_KEY}

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes
