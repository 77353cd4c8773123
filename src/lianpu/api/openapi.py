"""What the OpenAPI document says beyond the routes: the problem envelope and how to authenticate."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from lianpu.api.openapi_access import add_access
from lianpu.compreface.dialect import describe_errors
from lianpu.compreface.schemas import CompreFaceError
from lianpu.http.problems import Problem, problems

DESCRIPTION = """
Enrol persons with photos, then ask who is on a picture. Every call that takes a photo takes it as multipart (field
`image`), as JSON with base64, or as the raw body. Boxes come in pixels of the upright photo and as fractions of it.
Errors are RFC 9457 problem details with a stable `code`.
"""


def describe(app: FastAPI) -> None:
    """Replace the app's OpenAPI generator by one that adds the shared parts, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=DESCRIPTION,
                routes=app.routes,
            )
            components = document.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            assert "Problem" not in schemas, "another model has the name of the envelope"
            schemas["Problem"] = problem
            _replace_validation_answers(document)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            schemas["CompreFaceError"] = CompreFaceError.model_json_schema()
            add_access(document, (context.original_route for context in iter_route_contexts(app.routes)))
            describe_errors(document, {"$ref": "#/components/schemas/CompreFaceError"})
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _replace_validation_answers(document: dict[str, Any]) -> None:
    """FastAPI describes a 422 of its own on every route with parameters; ours is a problem like all others."""
    for methods in document["paths"].values():
        for operation in methods.values():
            answer = operation["responses"].get("422", {})
            if "application/json" in answer.get("content", {}):
                operation["responses"]["422"] = problems(422)[422]
