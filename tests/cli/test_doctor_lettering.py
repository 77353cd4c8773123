"""R-STR 7: a name that no font at hand can show is reported, never drawn as boxes."""

import asyncio
import json
from pathlib import Path

import pytest

from lianpu.database.session import Database
from lianpu.engines import lettering
from lianpu.gallery.models import Person
from tests.cli.conftest import Lianpu


def enrolled(home: Path, *names: str) -> None:
    async def add() -> None:
        database = Database(f"sqlite+aiosqlite:///{home / 'lianpu.db'}")
        await database.migrate()
        async with database.session() as session:
            session.add_all(Person(name=name) for name in names)
            await session.commit()
        await database.close()

    asyncio.run(add())


def finding(lianpu: Lianpu, home: Path) -> dict[str, str]:
    findings = json.loads(lianpu("doctor", "--json", "--home", home).out)
    return next(item for item in findings if item["subject"] == "lettering")


def test_R_STR_7_names_that_every_installation_can_draw(lianpu: Lianpu, home: Path) -> None:
    assert finding(lianpu, home)["text"] == "nobody is enrolled yet"
    enrolled(home, "Ada Lovelace", "张三", "Владимир", "さくら", "Zoë 🙂"[:3])
    assert finding(lianpu, home) == {
        "subject": "lettering",
        "level": "ok",
        "text": "every name of the gallery can be drawn into video",
    }


def test_R_STR_7_doctor_names_the_script_that_no_font_has_and_nobody(
    lianpu: Lianpu, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lettering, "_system_fonts", lambda: ())
    enrolled(home, "张三", "محمد", "राम")
    found = finding(lianpu, home)
    assert found["level"] == "notice"
    assert found["text"].startswith("2 names cannot be drawn into video")
    assert "Arabic" in found["text"]
    assert "Devanagari" in found["text"]
    assert "محمد" not in found["text"]
