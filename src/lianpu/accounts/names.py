"""Rules for names of users and keys, and when two names count as the same."""

import unicodedata

from lianpu.accounts.models import NAME_KEY_MAX_CHARS, NAME_MAX_CHARS

# Shown as nothing although their category is a letter's or a mark's (Unicode: Default_Ignorable_Code_Point).
_INVISIBLE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)


def checked_name(value: str) -> str:
    """Trimmed, NFC, 1…64 characters of any script, none of them a control, format or otherwise invisible character.

    Raises:
        ValueError: anything else.
    """
    name = unicodedata.normalize("NFC", value.strip())
    if not 1 <= len(name) <= NAME_MAX_CHARS:
        raise ValueError(f"must have 1 to {NAME_MAX_CHARS} characters")
    if not all(_is_visible(char) for char in name):
        raise ValueError("must not hold control characters or invisible ones")
    if len(name_key(name)) > NAME_KEY_MAX_CHARS:
        raise ValueError("must not hold so many ligatures")
    return name


def name_key(name: str) -> str:
    """The same for names that differ in case, width, ligatures or spaces only (Unicode: NFKC, full case folding)."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _is_visible(char: str) -> bool:
    category = unicodedata.category(char)
    return char == " " or not (category[0] in "CZ" or ord(char) in _INVISIBLE)
