"""One push connection from `ready` to its end, whatever carries it."""

from collections.abc import Awaitable, Callable

from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.jobs.push.channel import Channel
from lianpu.jobs.push.messages import ReadyMessage, ResetMessage
from lianpu.jobs.push.push import Push
from lianpu.jobs.push.session import Session
from lianpu.jobs.push.subscription import Ending, Frame, Mailbox

Send = Callable[[Frame], Awaitable[None]]


class Delivery:
    def __init__(
        self,
        push: Push,
        scope: Scope,
        channel: Channel,
        *,
        principal: Principal,
        credential: str,
        last_event_id: int | None,
    ) -> None:
        """
        Args:
            scope: what the principal needs, and goes on needing.
            last_event_id: go on after it; None: from now on.
        """
        self._push = push
        self._channel = channel
        self._session = Session(push, scope, principal=principal, credential=credential, become=channel.become)
        self._last_event_id = last_event_id

    async def run(self, send: Send, listen: Callable[[], Awaitable[None]]) -> Ending | None:
        """
        Args:
            listen: returns when the client has gone; may call `renew` meanwhile.

        Returns:
            What the client is still to be told; None: it has gone.

        Raises:
            ConnectionLimitError: the principal has too many; nothing was sent.
        """
        principal = self._session.principal
        with self._push.connections.one_of(principal.id), self._channel.opened(principal) as mailbox:
            return await self._session.run(listen(), mailbox.beat, self._send_all(mailbox, send), mailbox.ended())

    async def renew(self, credential: str) -> None:
        """A newer credential of the same principal, before the old one expires.

        Raises:
            PushEnded: it is not good, or somebody else's.
        """
        await self._session.renew(credential)

    async def _send_all(self, mailbox: Mailbox, send: Send) -> None:
        sent = mailbox.since if self._last_event_id is None else self._last_event_id
        is_kept = self._last_event_id is None or await self._channel.is_kept_after(sent)
        if not is_kept:
            sent = mailbox.since
        # A client that resumes, or was told what it had missed, gets its place by the events alone.
        fresh = sent if self._last_event_id is None or not is_kept else None
        ready = ReadyMessage(last_event_id=sent, heartbeat_s=self._push.heartbeat_s)
        await send(Frame(ready.type, ready.model_dump_json(), fresh))
        if not is_kept:
            reset = ResetMessage(last_event_id=sent)
            await send(Frame(reset.type, reset.model_dump_json(), sent))
        async for frame in self._channel.missed(sent):
            await send(frame)
        sent = max(sent, mailbox.since)
        while True:
            for frame in await mailbox.take():
                # Another node may have been ahead of this one when it gave out the last event.
                if frame.event_id is None or frame.event_id > sent:
                    await send(frame)
