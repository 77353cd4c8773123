"""Who may call, as the OpenAPI document says it: taken from the rule of each route, never written a second time."""

from collections.abc import Iterable
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from lianpu.accounts.access import AccessRule, rule_of
from lianpu.accounts.roles import SCOPES_OF, Role, Scope
from lianpu.http.problems import problems

TOKEN_URL = "/api/v1/users/token"  # noqa: S105 (no secret)
SCOPES = {
    Scope.ACCOUNT: "One's own profile, password, sessions and API keys",
    Scope.SYSTEM_READ: "The state of the server",
    Scope.SYSTEM_MANAGE: "Measure what the machine can do",
    Scope.MODELS_READ: "See packs",
    Scope.MODELS_MANAGE: "Pull, load, remove and choose packs",
    Scope.GALLERY_READ: "See persons and their photos",
    Scope.GALLERY_RECOGNISE: "Detect, embed, compare and search",
    Scope.GALLERY_ENROL: "Add, change, merge and delete persons and images",
    Scope.GALLERY_MANAGE: "Thresholds, calibration, health and consistency of the whole gallery",
    Scope.GALLERY_TRANSFER: "Take the whole gallery out, or another one in",
    Scope.JOBS_READ: "See one's own jobs, and end them",
    Scope.JOBS_MANAGE: "See, cancel, retry and clear away everybody's jobs",
    Scope.IMAGES: "One's own images and the inference on them",
    Scope.ENHANCE: "Enhance photos of one's own",
    Scope.STREAMS_READ: "Watch streams, read their events, see the unknown inbox",
    Scope.STREAMS_MANAGE: "Start, extend, pause and stop streams, purge the unknown inbox",
    Scope.PROVENANCE_VERIFY: "Read the labels of a file back",
    Scope.SWAP_READ: "See swap engines, the swap policy and consents",
    Scope.SWAP_MANAGE: "Record and revoke consents, leave the visible label out",
    Scope.SWAP: "Put a consenting person's face onto photos, videos and streams",
    Scope.USERS_MANAGE: "All users and all API keys",
    Scope.AUDIT_READ: "Read and prove the audit log",
}
HEADERS = {"401": "WWW-Authenticate", "429": "Retry-After"}
SCHEMES: dict[str, Any] = {
    "login": {
        "type": "oauth2",
        "description": "Access tokens by name and password; short-lived, renewed by a refresh token.",
        "flows": {
            "password": {
                "tokenUrl": TOKEN_URL,
                "refreshUrl": TOKEN_URL,
                "scopes": {scope.value: text for scope, text in SCOPES.items()},
            }
        },
    },
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or an access token."},
    "token_query": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "An API key or an access token, where a browser cannot send headers.",
    },
    "signed_address": {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "An address that this server gave out, complete with its query; good for a while.",
    },
}


def add_access(document: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Security, required scope and roles of every operation, and the refusals that come before its endpoint runs."""
    document.setdefault("components", {})["securitySchemes"] = SCHEMES
    for route in routes:
        rule = rule_of(route)
        if not isinstance(route, APIRoute) or rule is None:
            continue
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _describe(operation, rule)
                _add_problems(operation, route, rule)


def _describe(operation: dict[str, Any], rule: AccessRule) -> None:
    operation["security"] = _security(rule)
    if rule.scope is None:
        return
    operation["x-required-scope"] = rule.scope.value
    operation["x-roles"] = _roles(rule.scope)
    roles = ", ".join(_roles(rule.scope))
    held_by = f"roles: {roles}" if roles else "no role has it, it is granted by name"
    text = f"Needs the scope `{rule.scope.value}` ({held_by})"
    if rule.others is not None:
        operation["x-scope-for-others"] = rule.others.value
        text += f"; for what is somebody else's `{rule.others.value}` (roles: {', '.join(_roles(rule.others))})"
    operation["description"] = f"{operation.get('description', '')}\n\n{text}.".strip()


def _security(rule: AccessRule) -> list[dict[str, list[str]]]:
    if rule.scope is None:
        return []
    ways: list[dict[str, list[str]]] = [{"login": [rule.scope.value]}, {"api_key": []}, {"bearer": []}]
    ways += [{"token_query": []}] if rule.by_query else []
    return [*ways, {"signed_address": []}] if rule.by_signature else ways


def _roles(scope: Scope) -> list[str]:
    return [role.value for role in Role if scope in SCOPES_OF[role]]


def _add_problems(operation: dict[str, Any], route: APIRoute, rule: AccessRule) -> None:
    # Foreign host names and origins are refused everywhere.
    statuses = {403}
    if route.path.startswith("/api/") or rule.scope is not None:
        # An open route refuses a credential that is not good, too.
        statuses |= {401, 429}
    if route.path.startswith("/api/"):
        # Nothing is done or refused that cannot be recorded.
        statuses.add(503)
    if operation.get("parameters"):
        statuses.add(400)
    if "requestBody" in operation:
        statuses |= {400, 413}
    answers = operation.setdefault("responses", {})
    for status, answer in problems(*sorted(statuses)).items():
        answers.setdefault(str(status), answer)
    for status, name in HEADERS.items():
        if status in answers:
            answers[status]["headers"] = {name: {"schema": {"type": "string"}}}
    operation["responses"] = dict(sorted(answers.items()))
