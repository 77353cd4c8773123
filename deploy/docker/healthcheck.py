"""Is the server, or the worker, of this container well? Exit status 0 or 1. A server is asked where it answers."""

import json
import os
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import gethostname
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 4
SILENCE_S = 30


def is_well(home: Path) -> bool:
    """A home that is held alone has one address; nodes that share one have a record each."""
    try:
        return is_ready(json.loads((home / "server.json").read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError):
        own = [(file, record) for file, record in records(home) if record.get("host") == gethostname()]
        return bool(own) and all(
            is_beating(file) if record.get("url") is None else is_ready(record["url"]) for file, record in own
        )


def records(home: Path) -> list[tuple[Path, dict[str, Any]]]:
    found = []
    for file in (home / "nodes").glob("*.json"):
        try:
            found.append((file, json.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError):  # it ends, or is just being written
            continue
    return found


def is_ready(url: str) -> bool:
    try:
        address = urlsplit(url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, ValueError, HTTPException):
        return False


def is_beating(file: Path) -> bool:
    try:
        return time.time() - file.with_suffix(".beat").stat().st_mtime <= SILENCE_S
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_well(Path(os.environ["LIANPU_HOME"])) else 1)
