"""Whether a pack can be trusted to run: the digests of its files, and a first answer from each of its networks."""

import importlib.metadata

from lianpu.errors import PackDamagedError, PackError
from lianpu.packs.folder import digest_problems
from lianpu.packs.manifest import Pack, Role
from lianpu.packs.networks import check_network
from lianpu.runtime.session import SessionFactory

ENGINE_GROUP = "lianpu.engines"
"""Entry-point group in which engines, the built-in ones too, are registered by name."""


def verify_pack(pack: Pack, sessions: SessionFactory) -> list[str]:
    """Read every file in full, then load and run every network; what is wrong, or an empty list."""
    return digest_problems(pack) or load_problems(pack, sessions)


def load_problems(pack: Pack, sessions: SessionFactory) -> list[str]:
    """Load each role's network and run it on small made-up inputs; one sentence for each that is no good.

    Files that are not ONNX are taken as they are: only their engine can read them.
    """
    problems: list[str] = []
    engines = engine_names()
    for role, described in pack.manifest.roles.filled().items():
        if described.engine not in engines:
            known = ", ".join(sorted(engines)) or "none; reinstall Lianpu"
            problems.append(f"{role}: no engine '{described.engine}' is installed (installed: {known})")
            continue
        for file in described.files:
            problem = _file_problem(pack, file, role, sessions) if file.lower().endswith(".onnx") else None
            if problem:
                problems.append(f"{role}: {file}: {problem}")
    return problems


def _file_problem(pack: Pack, file: str, role: Role, sessions: SessionFactory) -> str | None:
    try:
        return check_network(sessions.open(pack.path_of(file)), role)
    except PackDamagedError as error:
        return error.detail
    except PackError as error:
        return f"it cannot be opened: {error.detail}"


def engine_names() -> frozenset[str]:
    """Names of the engines that are installed, whether or not they load."""
    return frozenset(importlib.metadata.entry_points(group=ENGINE_GROUP).names)
