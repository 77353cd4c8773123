"""The rule next to each route: who may call it. A route without one does not start."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Depends
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.errors import AuthenticationRequiredError, ScopeMissingError


class AccessRule:
    """A dependency of a route. Who calls was found out before, by the guard around the whole application."""

    def __init__(
        self,
        scope: Scope | None,
        *,
        by_message: bool = False,
        by_query: bool = False,
        by_signature: bool = False,
        by_network: bool = False,
        others: Scope | None = None,
    ) -> None:
        """
        Args:
            scope: None: anybody may call.
            others: what `scope` alone does not reach, since it is somebody else's; the feature's queries see to that.
            by_query: the credential may come as `?token=` too, for what browsers call without headers.
            by_signature: a signed address may stand for the credential (`lianpu.accounts.addresses`).
            by_network: the guard may let in who calls from a network that the operator named for this route.
            by_message: a WebSocket that also takes the credential in its first message, and checks `scope` itself.
        """
        self.scope = scope
        self.by_message = by_message
        self.by_query = by_query
        self.by_signature = by_signature
        self.by_network = by_network
        self.others = others

    async def __call__(self, connection: HTTPConnection) -> None:
        if self.scope is None or self.by_message:
            return
        principal = principal_or_none(connection)
        if principal is None:
            if self.by_network and getattr(connection.state, "is_of_open_network", False):
                return
            raise AuthenticationRequiredError(SEND_CREDENTIAL)
        require_scope(principal, self.scope)


SEND_CREDENTIAL = (
    "Log in at POST /api/v1/users/token and send `Authorization: Bearer <access token>`, or an API key as `X-API-Key`."
)


def requires(
    scope: Scope,
    *,
    others: Scope | None = None,
    by_query: bool = False,
    by_signature: bool = False,
    by_network: bool = False,
) -> Any:
    """For `dependencies=[…]` of a route: callers need this scope, and `others` for what is not their own."""
    rule = AccessRule(scope, others=others, by_query=by_query, by_signature=by_signature, by_network=by_network)
    return Depends(rule)


def authenticates_by_message(scope: Scope, *, others: Scope | None = None) -> Any:
    """For a WebSocket that checks its caller itself, since browsers cannot send headers with it."""
    return Depends(AccessRule(scope, others=others, by_message=True))


def open_to_all() -> Any:
    """For `dependencies=[…]` of a route that anybody may call."""
    return Depends(AccessRule(None))


def require_scope(principal: Principal, scope: Scope) -> None:
    """
    Raises:
        ScopeMissingError: the principal's role or key does not allow it.
    """
    if not principal.may(scope):
        raise ScopeMissingError(
            f"This needs the scope {scope.value!r}, which {principal.name} ({principal.role.value}) has not.",
            context={"required_scope": scope.value},
        )


def rule_of(route: BaseRoute) -> AccessRule | None:
    if not isinstance(route, APIRoute | APIWebSocketRoute):
        return None
    rules = [item.dependency for item in route.dependencies if isinstance(item.dependency, AccessRule)]
    return rules[0] if len(rules) == 1 else None


def check_rules(routes: Iterable[BaseRoute]) -> None:
    """
    Raises:
        RuntimeError: a route has no rule, or several.
    """
    for route in routes:
        if rule_of(route) is None:
            path = getattr(route, "path", route)
            raise RuntimeError(f"the route {path} must have exactly one access rule: requires(…) or open_to_all()")


def principal_or_none(connection: HTTPConnection) -> Principal | None:
    """Of a route that anybody may call: who it is, if they said so."""
    principal: Principal | None = getattr(connection.state, "principal", None)
    return principal


def credential_of(connection: HTTPConnection) -> str | None:
    """What it brought by header or query; only to be checked again later."""
    credential: str | None = getattr(connection.state, "credential", None)
    return credential


async def _principal(connection: HTTPConnection) -> Principal:
    principal = principal_or_none(connection)
    if principal is None:
        raise AuthenticationRequiredError(SEND_CREDENTIAL)
    return principal


PrincipalDep = Annotated[Principal, Depends(_principal)]
OptionalPrincipalDep = Annotated[Principal | None, Depends(principal_or_none)]
