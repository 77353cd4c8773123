"""Is the server of this container ready? Exit status 0 or 1. Asks where the server itself says that it answers."""

import json
import os
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT_S = 4


def is_ready(home: Path) -> bool:
    try:
        address = urlsplit(json.loads((home / "server.json").read_text(encoding="utf-8"))["url"])
        connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, ValueError, KeyError, HTTPException):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_ready(Path(os.environ["LIANPU_HOME"])) else 1)
