"""The console's built files; every path that is no file of it and no route of the API opens the console."""

import secrets
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

import lianpu
from lianpu.accounts.access import open_to_all
from lianpu.api.security_headers import console_policy

CONSOLE = Path(lianpu.__file__).parent / "console_dist"
API_PREFIXES = ("api/", "health", "openapi.json")
# Vite puts a digest into the names of files below assets/: they never change.
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
NONCE_PLACE = "LIANPU_STYLE_NONCE"
"""Stands in the built page where the nonce of each answer goes."""
NOT_BUILT = """<!doctype html><title>Lianpu</title><h1>Lianpu is running</h1>
<p>The console is not built: this installation left it out (LIANPU_SKIP_CONSOLE). The API is at
<a href="/openapi.json">/openapi.json</a>.</p>"""


def mount_console(app: FastAPI, folder: Path = CONSOLE) -> None:
    root = folder.resolve()

    @app.api_route("/{path:path}", methods=["GET", "HEAD"], dependencies=[open_to_all()], include_in_schema=False)
    async def console(path: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        if path.startswith(API_PREFIXES):
            raise HTTPException(404, f"There is no route {request.url.path}; see /docs.")
        index = root / "index.html"
        file = (root / path).resolve()
        if path and file != index and file.is_relative_to(root) and file.is_file():
            return FileResponse(file, headers=FOREVER if path.startswith("assets/") else {"Cache-Control": "no-cache"})
        if path.startswith(("assets/", "vendor/")):
            raise HTTPException(404, f"There is no file {request.url.path}.")
        if not index.is_file():
            return HTMLResponse(NOT_BUILT)
        return _page(index)


def _page(index: Path) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    text = index.read_text(encoding="utf-8").replace(NONCE_PLACE, nonce)
    return HTMLResponse(text, headers={"Cache-Control": "no-cache", "Content-Security-Policy": console_policy(nonce)})
