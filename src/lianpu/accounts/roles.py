"""Who may do what: scopes name the things that can be allowed, roles are bundles of scopes."""

from collections.abc import Collection
from enum import StrEnum


class Scope(StrEnum):
    """What a route asks for; an API key is given some of them."""

    ACCOUNT = "account"
    """One's own profile, password, sessions and API keys."""
    SYSTEM_READ = "system:read"
    SYSTEM_MANAGE = "system:manage"
    """Measure what the machine can do."""
    MODELS_READ = "models:read"
    MODELS_MANAGE = "models:manage"
    GALLERY_READ = "gallery:read"
    """See persons and their photos."""
    GALLERY_RECOGNISE = "gallery:recognise"
    """Detect, compare and search."""
    GALLERY_ENROL = "gallery:enrol"
    """Add, change, merge and delete persons and images."""
    GALLERY_MANAGE = "gallery:manage"
    """Packs, thresholds, calibration and health of the whole gallery."""
    GALLERY_TRANSFER = "gallery:transfer"
    """Take the whole gallery out, or another one in."""
    JOBS_READ = "jobs:read"
    JOBS_MANAGE = "jobs:manage"
    """Cancel, retry and clear away the jobs that one may see."""
    IMAGES = "images"
    """One's own images and the inference on them."""
    ENHANCE = "enhance:use"
    """Enhance photos of one's own."""
    STREAMS_READ = "streams:read"
    """Watch streams, read their events, see the unknown inbox."""
    STREAMS_MANAGE = "streams:manage"
    """Start, extend, pause and stop streams; purge the unknown inbox."""
    PROVENANCE_VERIFY = "provenance:verify"
    """Read the labels of a file back."""
    SWAP_READ = "swap:read"
    """See swap engines and whose face may be used for what."""
    SWAP_MANAGE = "swap:manage"
    """Record and revoke consents, and say how swaps are labelled."""
    SWAP = "swap"
    """Put a consenting person's face onto photos, videos and live streams. No role has it: it is granted by name."""
    USERS_MANAGE = "users:manage"
    """All users and all API keys."""
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


_VIEWER = frozenset(
    {
        Scope.ACCOUNT,
        Scope.SYSTEM_READ,
        Scope.MODELS_READ,
        Scope.GALLERY_READ,
        Scope.GALLERY_RECOGNISE,
        Scope.JOBS_READ,
        Scope.IMAGES,
        Scope.ENHANCE,
        Scope.STREAMS_READ,
        Scope.PROVENANCE_VERIFY,
    }
)
_OPERATOR = _VIEWER | {
    Scope.GALLERY_ENROL,
    Scope.GALLERY_MANAGE,
    Scope.JOBS_MANAGE,
    Scope.STREAMS_MANAGE,
    Scope.SWAP_READ,
}
GRANTED: dict[Scope, frozenset[Scope]] = {Scope.SWAP: frozenset({Scope.SWAP, Scope.SWAP_READ})}
"""Scopes that no role has and an administrator grants a user by name, and what comes with each."""
SCOPES_OF: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: frozenset(Scope) - frozenset(GRANTED),
}


def scopes_of(role: Role, granted: Collection[str]) -> frozenset[Scope]:
    """
    Args:
        granted: names of scopes; those that are not to be granted are passed over.
    """
    return SCOPES_OF[role].union(*(also for scope, also in GRANTED.items() if scope.value in granted))
