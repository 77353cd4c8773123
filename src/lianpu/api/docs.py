"""Swagger UI and ReDoc, served from the console's build: they work offline."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lianpu API</title><link rel="icon" href="/favicon.svg">{head}</head><body>{body}</body></html>"""
_SWAGGER_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger", deepLinking: true, tryItOutEnabled: true, persistAuthorization: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset].filter(Boolean)
});"""


@router.get("/docs", response_class=HTMLResponse)
async def swagger_ui() -> str:
    return _PAGE.format(
        head='<link rel="stylesheet" href="/vendor/swagger-ui.css">',
        body='<div id="swagger"></div><script src="/vendor/swagger-ui-bundle.js"></script>'
        '<script src="/docs/start.js"></script>',
    )


@router.get("/docs/start.js")
async def swagger_start() -> Response:
    return Response(_SWAGGER_START, media_type="text/javascript")


@router.get("/redoc", response_class=HTMLResponse)
async def redoc() -> str:
    return _PAGE.format(
        head="", body='<redoc spec-url="/openapi.json"></redoc><script src="/vendor/redoc.standalone.js"></script>'
    )
