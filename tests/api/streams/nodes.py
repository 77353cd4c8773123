"""Several servers in this process that share a database server, a Redis and a home."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lianpu.settings import Settings, load_settings
from tests.api.streams.server import Stream, StreamServer, serving_streams


@dataclass
class Nodes:
    values: dict[str, Any]
    """Settings."""
    stack: AsyncExitStack
    all: list[StreamServer] = field(default_factory=list)

    async def add(self, **overrides: Any) -> StreamServer:
        changed = {key.replace("__", "."): value for key, value in overrides.items()}
        server = await self.stack.enter_async_context(serving_streams(self._settings(changed)))
        self.all.append(server)
        return server

    async def runner_of(self, stream: Stream) -> StreamServer | None:
        """The node that runs it now; never more than one."""
        having = [one for one in self.all if one.platform.streams.runs.get(stream["stream_id"]) is not None]
        assert len(having) <= 1
        return having[0] if having else None

    def _settings(self, changed: dict[str, Any]) -> Settings:
        return load_settings(self.values | changed, environment={}, folder=Path(self.values["home"])).settings
