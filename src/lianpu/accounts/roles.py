"""Who may do what: scopes name the things that can be allowed, roles are bundles of scopes."""

from enum import StrEnum


class Scope(StrEnum):
    """What a route asks for; an API key is given some of them."""

    ACCOUNT = "account"
    """One's own profile, password, sessions and API keys."""
    SYSTEM_READ = "system:read"
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
    }
)
_OPERATOR = _VIEWER | {Scope.GALLERY_ENROL, Scope.GALLERY_MANAGE, Scope.JOBS_MANAGE, Scope.STREAMS_MANAGE}
SCOPES_OF: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: frozenset(Scope),
}
