"""The console's built files; every path that is no file of it and no route of the API opens the console."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

import lianpu

CONSOLE = Path(lianpu.__file__).parent / "console_dist"
API_PREFIXES = ("api/", "health", "openapi.json")
# Vite puts a digest into the names of files below assets/: they never change.
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
NOT_BUILT = """<!doctype html><title>Lianpu</title><h1>Lianpu is running</h1>
<p>The console is not built: this installation left it out (LIANPU_SKIP_CONSOLE). The API is at
<a href="/openapi.json">/openapi.json</a>.</p>"""


def mount_console(app: FastAPI, folder: Path = CONSOLE) -> None:
    root = folder.resolve()

    @app.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    async def console(path: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        if path.startswith(API_PREFIXES):
            raise HTTPException(404, f"There is no route {request.url.path}; see /docs.")
        file = (root / path).resolve()
        if path and file.is_relative_to(root) and file.is_file():
            return FileResponse(file, headers=FOREVER if path.startswith("assets/") else {"Cache-Control": "no-cache"})
        if path.startswith(("assets/", "vendor/")):
            raise HTTPException(404, f"There is no file {request.url.path}.")
        index = root / "index.html"
        if not index.is_file():
            return HTMLResponse(NOT_BUILT)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})
