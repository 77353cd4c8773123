"""What one push connection listens to."""

from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from lianpu.accounts.principal import Principal
from lianpu.jobs.ownership import INFERENCE, Viewer
from lianpu.jobs.push.feed import PushFeed
from lianpu.jobs.push.subscription import Frame, Mailbox, Subscription


class Channel(Protocol):
    """For one connection, which opens it once."""

    def opened(self, principal: Principal) -> AbstractContextManager[Mailbox]:
        """Gets every event after its `since`, in order."""
        ...

    def become(self, principal: Principal) -> None:
        """The same one, who may more or less than before."""
        ...

    async def is_kept_after(self, event_id: int) -> bool:
        """False: not every event after this one is to be had any more."""
        ...

    def missed(self, after: int) -> AsyncGenerator[Frame]:
        """The events from `after` (excluded) to the mailbox's `since`."""
        ...


class JobChannel:
    def __init__(self, feed: PushFeed, kind: str | None) -> None:
        """`kind`: None: jobs of every kind that the principal may see; of inference only his own."""
        self._feed = feed
        self._kind = kind
        self._subscription: Subscription | None = None

    @contextmanager
    def opened(self, principal: Principal) -> Generator[Mailbox]:
        with self._feed.subscription(self._viewer(principal), self._kind) as subscription:
            self._subscription = subscription
            yield subscription

    def become(self, principal: Principal) -> None:
        if self._subscription is not None:
            self._subscription.viewer = self._viewer(principal)

    async def is_kept_after(self, event_id: int) -> bool:
        return await self._feed.is_kept_after(event_id)

    async def missed(self, after: int) -> AsyncGenerator[Frame]:
        assert self._subscription is not None
        async for change in self._feed.missed(self._subscription, after):
            yield self._subscription.frame_of(change)

    def _viewer(self, principal: Principal) -> Viewer:
        return Viewer(principal.id, sees_all=False) if self._kind == INFERENCE else Viewer.of(principal)
