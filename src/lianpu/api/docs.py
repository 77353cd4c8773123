"""The OpenAPI document; Swagger UI and ReDoc of it, served from the console's build: they work offline."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from lianpu.accounts.access import open_to_all
from lianpu.api.security_headers import REDOC, SWAGGER_UI

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lianpu API</title><link rel="icon" href="/favicon.svg">{head}</head><body>{body}</body></html>"""
_SWAGGER_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger", deepLinking: true, tryItOutEnabled: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset].filter(Boolean)
});"""


@router.get("/openapi.json", dependencies=[open_to_all()])
async def openapi(request: Request) -> JSONResponse:
    document: dict[str, Any] = request.app.openapi()
    return JSONResponse(document, headers={"Cache-Control": "no-cache"})


@router.get("/docs", dependencies=[open_to_all()], response_class=HTMLResponse)
async def swagger_ui() -> HTMLResponse:
    page = _PAGE.format(
        head='<link rel="stylesheet" href="/vendor/swagger-ui.css">',
        body='<div id="swagger"></div><script src="/vendor/swagger-ui-bundle.js"></script>'
        '<script src="/docs/start.js"></script>',
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": SWAGGER_UI})


@router.get("/docs/start.js", dependencies=[open_to_all()])
async def swagger_start() -> Response:
    return Response(_SWAGGER_START, media_type="text/javascript")


@router.get("/redoc", dependencies=[open_to_all()], response_class=HTMLResponse)
async def redoc() -> HTMLResponse:
    page = _PAGE.format(
        head="", body='<redoc spec-url="/openapi.json"></redoc><script src="/vendor/redoc.standalone.js"></script>'
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": REDOC})
