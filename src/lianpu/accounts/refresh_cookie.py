"""The refresh token as a cookie that no script can read and no other site can send.

A page of another site cannot use it: SameSite=Strict keeps it at home, and the guard refuses changes whose Origin is
another one (which covers other ports of the same host, too). No further token against forged requests is needed.
"""

from typing import Annotated

from fastapi import Cookie, Request, Response

from lianpu.accounts.sessions import Tokens

NAME = "lianpu_refresh"
PATH = "/api/v1/users/token"
RefreshCookie = Annotated[str | None, Cookie(alias=NAME, max_length=512, include_in_schema=False)]


def set_cookie(request: Request, response: Response, tokens: Tokens) -> None:
    response.set_cookie(
        NAME,
        tokens.refresh_token,
        max_age=tokens.refresh_expires_in_s,
        path=PATH,
        httponly=True,
        samesite="strict",
        secure=_is_https(request),
    )


def clear_cookie(request: Request, response: Response) -> None:
    response.delete_cookie(NAME, path=PATH, httponly=True, samesite="strict", secure=_is_https(request))


def _is_https(request: Request) -> bool:
    """Of a trusted proxy's word (`server.trusted_proxies`), where there is one."""
    return request.url.scheme == "https"
