"""One connection of one principal, whatever it carries: his credential is asked about again at every heartbeat."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Any

from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.errors import LianpuError, TokenError
from lianpu.jobs.push.push import Push
from lianpu.jobs.push.subscription import HTTP_CODES, SERVER_ERROR, Ending, PushEnded

_log = logging.getLogger(__name__)


class Session:
    def __init__(
        self,
        push: Push,
        scope: Scope,
        *,
        principal: Principal,
        credential: str,
        become: Callable[[Principal], None] | None = None,
    ) -> None:
        """
        Args:
            scope: what the principal needs, and goes on needing.
            become: told of the principal as he is by now.
        """
        self._push = push
        self._scope = scope
        self._credential = credential
        self._tell = become
        self.principal = principal

    async def run(
        self, listen: Awaitable[None], beat: Callable[[], None], *works: Coroutine[Any, Any, Ending | None]
    ) -> Ending | None:
        """Until one of them ends or fails.

        Args:
            listen: returns when the client has gone; may call `renew` meanwhile.
            beat: called at every heartbeat.

        Returns:
            What the client is still to be told; None: it has gone.
        """
        listening = asyncio.ensure_future(listen)
        tasks: list[asyncio.Future[Any]] = [
            listening,
            *(asyncio.ensure_future(work) for work in works),
            asyncio.ensure_future(self._beat(beat)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
        return None if listening in done and listening.exception() is None else _ending_of_tasks(outcomes)

    async def renew(self, credential: str) -> None:
        """A newer credential of the same principal, before the old one expires.

        Raises:
            PushEnded: it is not good, or somebody else's.
        """
        try:
            principal = await self._push.authenticate_message(credential, self._scope)
            if principal.id != self.principal.id:
                raise TokenError("The token is another user's.")
        except LianpuError as error:
            raise PushEnded(ending_of(error)) from error
        self._credential = credential
        self._become(principal)

    def _become(self, principal: Principal) -> None:
        self.principal = principal
        if self._tell is not None:
            self._tell(principal)

    async def _beat(self, beat: Callable[[], None]) -> None:
        """Every so often: is the credential still good? And something to show that the connection is."""
        while True:
            await asyncio.sleep(self._push.heartbeat_s)
            try:
                self._become(await self._push.authenticate(self._credential, self._scope))
            except LianpuError as error:
                raise PushEnded(ending_of(error)) from error
            except Exception as error:  # a database that is away has no events either: asked again soon
                _log.warning("a credential cannot be checked", exc_info=error)
            beat()


def ending_of(error: LianpuError) -> Ending:
    """What a refusal is as a close code; the reason is the error's code."""
    is_refusal = HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return Ending(HTTP_CODES + error.status if is_refusal else SERVER_ERROR.code, error.code)


def _ending_of_tasks(outcomes: list[Any]) -> Ending | None:
    """Of the task that ended the others; None: the client went away in the middle of a message."""
    for outcome in outcomes:
        if isinstance(outcome, Ending):
            return outcome
        if isinstance(outcome, PushEnded):
            return outcome.ending
        if isinstance(outcome, LianpuError):
            return ending_of(outcome)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
            _log.error("a push connection failed", exc_info=outcome)
            return SERVER_ERROR
    return None
