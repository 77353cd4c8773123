"""What `lianpu doctor` says of names in video: is there a font for every script that names are written in?"""

import asyncio
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianpu.settings import Settings

NAMES_MAX = 20_000


def lettering_state(settings: "Settings") -> tuple[str, bool]:
    """Returns: what to say, and whether something is missing."""
    from sqlalchemy.exc import DBAPIError

    from lianpu.bootstrap import has_database
    from lianpu.engines.lettering import Lettering
    from lianpu.errors import LianpuError

    try:
        names = asyncio.run(_names(settings)) if has_database(settings) else []
    except (DBAPIError, LianpuError, OSError) as error:
        # A home that may not be entered, a database of an older version, or one that does not answer.
        return f"the names cannot be read: {type(error).__name__}", False
    if not names:
        return "nobody is enrolled yet", False
    lettering = Lettering()
    missing = [name for name in names if not lettering.can_draw(name)]
    if not missing:
        return "every name of the gallery can be drawn into video", False
    scripts = ", ".join(script for script, _ in _scripts(missing).most_common(5)) or "signs that are no letters"
    return (
        f"{len(missing)} names cannot be drawn into video, and are left out of the picture: no font here has what they "
        f"need ({scripts}). Install one, such as Debian's fonts-noto-core",
        True,
    )


async def _names(settings: "Settings") -> list[str]:
    from sqlalchemy import select

    from lianpu.bootstrap import database_of
    from lianpu.gallery.models import Person

    database = database_of(settings)
    try:
        async with database.session() as session:
            return list(await session.scalars(select(Person.name).distinct().limit(NAMES_MAX)))
    finally:
        await database.close()


def _scripts(names: Iterable[str]) -> Counter[str]:
    """By the first word of each letter's name, such as BENGALI; names of people are not repeated."""
    letters = {char for name in names for char in name if char.isalpha() and not char.isascii()}
    return Counter(unicodedata.name(char, "?").split()[0].capitalize() for char in letters)
