"""What a program's `--help` says of its options, so that a version which lacks one is told before it is run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_FLAG = re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*)")


@dataclass(frozen=True, slots=True)
class Option:
    """Something that is said to a program; it was called differently in different versions."""

    flags: tuple[str, ...]
    """Newest first."""
    is_needed: bool = True
    why: str = ""
    """What is lost without it."""


@dataclass(frozen=True, slots=True)
class MappedFlags:
    """Options by what this version calls them."""

    names: Mapping[str, str]
    missing: tuple[str, ...]
    """Names of needed options that it lacks."""
    lacking: tuple[str, ...]
    """Names of the others that it lacks."""

    def has(self, option: str) -> bool:
        return option in self.names

    def __getitem__(self, option: str) -> str:
        return self.names[option]


def flags_of(help_text: str) -> frozenset[str]:
    """Every option that a help text names, such as `-s` and `--source-paths`."""
    return frozenset(_FLAG.findall(help_text))


def map_flags(help_text: str, options: Mapping[str, Option]) -> MappedFlags:
    known = flags_of(help_text)
    names: dict[str, str] = {}
    missing: list[str] = []
    lacking: list[str] = []
    for name, option in options.items():
        found = next((flag for flag in option.flags if flag in known), None)
        if found is not None:
            names[name] = found
        else:
            (missing if option.is_needed else lacking).append(name)
    return MappedFlags(names, tuple(missing), tuple(lacking))


def given_flags(arguments: Sequence[str]) -> frozenset[str]:
    """The options among arguments, without what follows an equals sign."""
    return frozenset(match[0] for argument in arguments if (match := _FLAG.match(argument)) is not None)
