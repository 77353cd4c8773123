"""One connection to an MQTT broker: what is published counts once the broker says that it has it."""

import asyncio
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

CONNECT_S = 5.0
ANSWER_S = 10.0
LEAVING_S = 2.0
KEEP_ALIVE_S = 30
AT_LEAST_ONCE = 1


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    ca_file: Path | None
    """PEM of those who may vouch for the broker; None: whom the system trusts."""


class BrokerLostError(Exception):
    """There is no connection, or no longer; the text says why."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when the connection breaks."""

    topic: str
    payload: str


class _ClosedSocket(ssl.SSLSocket):
    """Closed where the other side cannot prove who it is: the client would leave it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class BrokerConnection:
    """Lives on one event loop; the protocol runs in a thread of the client's."""

    def __init__(
        self,
        address: BrokerAddress,
        will: Will,
        *,
        on_retained: Callable[[str, bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        """
        Args:
            on_retained: called with topic and payload of what the broker had when it was subscribed to.
        """
        self._address = address
        self._on_retained = on_retained
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._problem: str | None = None
        self._client = client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.connect_timeout = CONNECT_S
        client.will_set(will.topic, will.payload, qos=AT_LEAST_ONCE, retain=True)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        client.on_connect = self._told_connect
        client.on_connect_fail = self._told_connect_fail
        client.on_disconnect = self._told_disconnect
        client.on_publish = self._told_publish
        client.on_subscribe = self._told_subscribe
        client.on_message = self._told_message

    async def open(self) -> None:
        """
        Raises:
            BrokerLostError: the broker cannot be reached, or does not let us in.
        """
        if self._address.tls:
            try:
                context = await asyncio.to_thread(ssl.create_default_context, cafile=self._address.ca_file)
            except OSError as error:
                raise BrokerLostError(f"The file of streams.mqtt.ca_file cannot be used: {error}") from error
            context.sslsocket_class = _ClosedSocket
            self._client.tls_set_context(context)  # pyright: ignore[reportUnknownMemberType]
        self._client.connect_async(self._address.host, self._address.port, KEEP_ALIVE_S)
        self._client.loop_start()
        await self._answered(self._connected)

    async def publish(self, topic: str, payload: str, *, is_retained: bool) -> None:
        """Returns when the broker has it. Retained and empty: it forgets the topic.

        Raises:
            BrokerLostError: the connection broke; whether the broker has it is not known.
        """
        self.check()
        sent = self._client.publish(topic, payload.encode(), qos=AT_LEAST_ONCE, retain=is_retained)
        await self._told(sent.rc, sent.mid)

    async def subscribe(self, topics: str) -> None:
        """
        Raises:
            BrokerLostError: the connection broke.
        """
        self.check()
        result, number = self._client.subscribe(topics, qos=AT_LEAST_ONCE)
        await self._told(result, number)

    async def close(self) -> None:
        """Leave without the will being published. Harmless where there is no connection."""
        client = self._client
        client.on_connect = client.on_connect_fail = client.on_disconnect = None
        client.on_publish = client.on_subscribe = client.on_message = None
        client.disconnect()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.to_thread(client.loop_stop)), LEAVING_S)

    def check(self) -> None:
        """
        Raises:
            BrokerLostError: the connection broke meanwhile.
        """
        if self._problem is not None:
            raise BrokerLostError(self._problem)

    async def _told(self, result: MQTTErrorCode, number: int | None) -> None:
        if result != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise BrokerLostError("The connection broke.")
        answer = self._answers[number] = self._loop.create_future()
        try:
            await self._answered(answer)
        finally:
            del self._answers[number]

    async def _answered(self, answer: "asyncio.Future[None]") -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await answer
        except TimeoutError as error:
            raise BrokerLostError("The broker does not answer.") from error

    def _lose(self, problem: str) -> None:
        if self._problem is not None:
            return
        self._problem = problem
        for answer in (self._connected, *self._answers.values()):
            if not answer.done():
                answer.set_exception(BrokerLostError(problem))
        if self._connected.done():
            self._connected.exception()  # it may be that nobody waits for it any more
        self._on_lost()

    def _answer(self, number: int, *, is_refused: bool) -> None:
        answer = self._answers.get(number)
        if answer is None or answer.done():
            return
        if is_refused:
            answer.set_exception(BrokerLostError("The broker does not allow it: see its access control list."))
        else:
            answer.set_result(None)

    def _connect(self) -> None:
        if not self._connected.done():
            self._connected.set_result(None)

    # In the client's thread.

    def _told_connect(
        self, _client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._loop.call_soon_threadsafe(self._lose, f"The broker refuses the connection: {reason}.")
        else:
            self._loop.call_soon_threadsafe(self._connect)

    def _told_connect_fail(self, _client: Client, _data: Any) -> None:
        # It is called while the failure is being handled.
        self._loop.call_soon_threadsafe(self._lose, f"The broker cannot be reached: {sys.exc_info()[1]}.")

    def _told_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._lose, f"The connection broke: {reason}.")

    def _told_publish(
        self, _client: Client, _data: Any, number: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._loop.call_soon_threadsafe(lambda: self._answer(number, is_refused=reason.is_failure))

    def _told_subscribe(
        self, _client: Client, _data: Any, number: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        is_refused = any(reason.is_failure for reason in reasons)
        self._loop.call_soon_threadsafe(lambda: self._answer(number, is_refused=is_refused))

    def _told_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.retain:
            self._loop.call_soon_threadsafe(self._on_retained, message.topic, bytes(message.payload))
