"""What every push connection needs: who listens, how many may, and where the messages come from."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from lianpu.accounts.access import require_scope
from lianpu.accounts.accounts import Accounts
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.database.session import Database
from lianpu.jobs.events import JobEvents
from lianpu.jobs.push.changes import Changes
from lianpu.jobs.push.connections import Connections
from lianpu.jobs.push.feed import PushFeed
from lianpu.jobs.push.subscription import SERVER_STOPS
from lianpu.settings import PushSettings


class Push:
    def __init__(self, database: Database, events: JobEvents, accounts: Accounts, settings: PushSettings) -> None:
        self.changes = Changes()
        self.feed = PushFeed(database, events, self.changes, queue_events=settings.queue_events)
        self.heartbeat_s = settings.heartbeat_s
        self._accounts = accounts
        self.connections = Connections(settings.max_connections, kind="push", retry_after_s=settings.heartbeat_s)

    async def authenticate(self, credential: str, scope: Scope) -> Principal:
        """
        Raises:
            AccessError: the credential is not good, or not for this.
        """
        principal = await self._accounts.authentication.principal_of(credential)
        require_scope(principal, scope)
        return principal

    async def authenticate_message(self, credential: str, scope: Scope) -> Principal:
        """One that the guard has not seen: it counts as a call.

        Raises:
            AccessError: the credential is not good, or not for this.
            RateLimitedError: this user made too many calls.
        """
        principal = await self.authenticate(credential, scope)
        await self._accounts.rate_limits.count_user(principal.id)
        return principal

    async def start(self) -> None:
        await self.feed.start()

    def close(self) -> None:
        """Tell all who listen that the server stops; their connections end at once."""
        self.feed.end_all(SERVER_STOPS)

    async def stop(self) -> None:
        await self.feed.stop(SERVER_STOPS)


async def _push(connection: HTTPConnection) -> Push:
    push: Push = connection.app.state.push
    return push


PushDep = Annotated[Push, Depends(_push)]
