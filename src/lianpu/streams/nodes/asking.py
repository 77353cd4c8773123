"""Questions from node to node, and their answers: what only the node that runs a stream can know or do."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from lianpu.database.base import new_id
from lianpu.errors import (
    LianpuError,
    NodeUnreachableError,
    RecordingsFullError,
    RecordingStateError,
    StreamNotFoundError,
    StreamStateError,
)
from lianpu.nodes.bus import Bus

ANSWER_S = 2.0
"""How long an answer is waited for."""
RETRY_AFTER_S = 2
_ERRORS: dict[str, type[LianpuError]] = {
    error.code: error for error in (RecordingsFullError, RecordingStateError, StreamNotFoundError, StreamStateError)
}
_log = logging.getLogger(__name__)

Answer = Callable[[Any], Awaitable[Any]]
"""From JSON to JSON."""


class Asking:
    """Lives on one event loop."""

    def __init__(self, bus: Bus, node: str) -> None:
        self._bus = bus
        self._node = node
        self._answers: dict[str, Answer] = {}
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._answering: set[asyncio.Task[None]] = set()

    def answer(self, kind: str, answer: Answer) -> None:
        """Questions of this kind are answered so."""
        self._answers[kind] = answer

    async def ask(self, node: str, kind: str, about: Any, *, timeout_s: float = ANSWER_S) -> Any:
        """
        Args:
            about: JSON, and so is what is returned.

        Raises:
            NodeUnreachableError: there is no answer, or the node met an error of its own.
            LianpuError: what the other node raised.
        """
        question_id = new_id()
        future = self._asked[question_id] = asyncio.get_running_loop().create_future()
        question = {"id": question_id, "node": self._node, "kind": kind, "about": about}
        try:
            if self._bus.is_shared and await self._bus.publish(_questions(node), json.dumps(question).encode()):
                async with asyncio.timeout(timeout_s):
                    answer = await future
            else:
                answer = None
        except TimeoutError:
            answer = None
        finally:
            del self._asked[question_id]
        if answer is None:
            raise NodeUnreachableError("The stream's node does not answer.", retry_after_s=RETRY_AFTER_S)
        if "code" in answer:
            raise _ERRORS.get(answer["code"], NodeUnreachableError)(answer["detail"])
        return answer["value"]

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hear(_questions(self._node), self._question))
            group.create_task(self._hear(_replies(self._node), self._reply))

    async def _hear(self, channel: str, take: Callable[[dict[str, Any]], None]) -> None:
        async with self._bus.subscribe(channel) as messages:
            async for message in messages:
                if message:  # who asked and got no answer asks again
                    try:
                        take(json.loads(message))
                    except (ValueError, KeyError, TypeError) as error:
                        _log.error("another node says what is not understood", exc_info=error)

    def _question(self, question: dict[str, Any]) -> None:
        task = asyncio.create_task(self._answered(question))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answered(self, question: dict[str, Any]) -> None:
        try:
            answer: dict[str, Any] = {"value": await self._answers[question["kind"]](question["about"])}
        except LianpuError as error:
            answer = {"code": error.code, "detail": error.detail}
        except Exception as error:
            _log.error(
                "a question of another node cannot be answered", extra={"kind": question["kind"]}, exc_info=error
            )
            answer = {"code": NodeUnreachableError.code, "detail": "The stream's node met an error of its own."}
        reply = json.dumps({"id": question["id"], **answer}).encode()
        await self._bus.publish(_replies(question["node"]), reply)

    def _reply(self, reply: dict[str, Any]) -> None:
        future = self._asked.get(reply["id"])
        if future is not None and not future.done():
            future.set_result(reply)


def _questions(node: str) -> str:
    return f"streams.questions.{node}"


def _replies(node: str) -> str:
    return f"streams.replies.{node}"
