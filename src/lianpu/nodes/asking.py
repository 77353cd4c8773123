"""Questions from node to node, and their answers: what only the node that works on something can know or do."""

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from lianpu.errors import LianpuError, NodeUnreachableError
from lianpu.nodes.bus import Bus

ANSWER_S = 2.0
"""How long an answer is waited for."""
RETRY_AFTER_S = 2
_log = logging.getLogger(__name__)

Answer = Callable[[Any], Awaitable[Any]]
"""From JSON to JSON."""


class Asking:
    """Lives on one event loop."""

    def __init__(self, bus: Bus, node: str) -> None:
        """`node`: its id."""
        self._bus = bus
        self._node = node
        self._errors: dict[str, type[LianpuError]] = {}
        self._answers: dict[str, Answer] = {}
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._answering: set[asyncio.Task[None]] = set()

    def answer(self, kind: str, answer: Answer, *, raises: Iterable[type[LianpuError]] = ()) -> None:
        """Questions of this kind are answered so.

        Args:
            raises: errors of the answer that the asking node raises too; all others become `NodeUnreachableError`.
        """
        self._answers[kind] = answer
        self._errors |= {error.code: error for error in raises}

    async def ask(self, node: str, kind: str, about: Any, *, timeout_s: float = ANSWER_S) -> Any:
        """
        Args:
            about: JSON, and so is what is returned.

        Raises:
            NodeUnreachableError: there is no answer, or the node met an error of its own.
            LianpuError: what the other node raised.
        """
        question_id = uuid.uuid4().hex
        future = self._asked[question_id] = asyncio.get_running_loop().create_future()
        question = {"id": question_id, "node": self._node, "kind": kind, "about": about}
        try:
            answer = await self._answer(node, question, future, timeout_s)
        finally:
            del self._asked[question_id]
        if answer is None:
            raise NodeUnreachableError("The node that works on it does not answer.", retry_after_s=RETRY_AFTER_S)
        if "code" in answer:
            raise self._errors.get(answer["code"], NodeUnreachableError)(answer["detail"])
        return answer["value"]

    async def _answer(
        self, node: str, question: dict[str, Any], future: "asyncio.Future[dict[str, Any]]", timeout_s: float
    ) -> dict[str, Any] | None:
        """None: there is none."""
        # Of a node that is gone nothing is waited for.
        if not self._bus.is_shared or not await self._bus.listeners(_questions(node)):
            return None
        if not await self._bus.publish(_questions(node), json.dumps(question).encode()):
            return None
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            return None

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
            answer = {"code": NodeUnreachableError.code, "detail": "The node that works on it met an error of its own."}
        reply = json.dumps({"id": question["id"], **answer}).encode()
        await self._bus.publish(_replies(question["node"]), reply)

    def _reply(self, reply: dict[str, Any]) -> None:
        future = self._asked.get(reply["id"])
        if future is not None and not future.done():
            future.set_result(reply)


def _questions(node: str) -> str:
    return f"nodes.questions.{node}"


def _replies(node: str) -> str:
    return f"nodes.replies.{node}"
