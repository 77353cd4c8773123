"""What every live connection needs."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from lianpu.database.session import Database
from lianpu.engines.image import ImageLimits
from lianpu.engines.lettering import Lettering
from lianpu.jobs.push.connections import Connections
from lianpu.jobs.push.push import Push
from lianpu.jobs.push.subscription import SERVER_STOPS
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import LiveSettings, PushSettings
from lianpu.streams.live.connection import Mailboxes
from lianpu.streams.live.events import StreamEventFeed
from lianpu.streams.live.messages import SearchQuery
from lianpu.streams.live.search import LiveSearch
from lianpu.streams.naming import FaceNaming
from lianpu.streams.pipeline import PipelineOptions
from lianpu.streams.streams import Streams


class Live:
    """Lives on one event loop, between `start` and `stop`."""

    def __init__(
        self,
        database: Database,
        push: Push,
        streams: Streams,
        naming: FaceNaming,
        queue: InferenceQueue,
        *,
        settings: LiveSettings,
        push_settings: PushSettings,
        pipeline_options: PipelineOptions,
        limits: ImageLimits,
    ) -> None:
        """`limits`: of frames that clients send."""
        self.push = push
        self.streams = streams
        self.events = StreamEventFeed(database, streams.events, queue_events=push_settings.queue_events)
        self.mailboxes = Mailboxes()
        self.searching = _connections(settings, push_settings, "live search")
        self.pushing = _connections(settings, push_settings, "frame")
        self.max_frame_bytes = settings.max_frame_bytes
        self.limits = limits
        self._naming = naming
        self._queue = queue
        self._pipeline_options = pipeline_options
        # Nothing is drawn.
        self._lettering = Lettering(fonts=())

    def search(self, query: SearchQuery) -> LiveSearch:
        return LiveSearch(
            self._naming,
            self._queue,
            query,
            options=self._pipeline_options,
            limits=self.limits,
            lettering=self._lettering,
        )

    async def start(self) -> None:
        await self.events.start()

    def close(self) -> None:
        """Tell all who are connected that the server stops; their connections end at once."""
        self.mailboxes.close()
        self.events.end_all(SERVER_STOPS)

    async def stop(self) -> None:
        self.close()
        await self.events.stop(SERVER_STOPS)


def _connections(settings: LiveSettings, push: PushSettings, kind: str) -> Connections:
    return Connections(settings.max_connections, kind=kind, retry_after_s=push.heartbeat_s)


async def _live(connection: HTTPConnection) -> Live:
    # Not `def`: FastAPI would send it through a thread.
    live: Live = connection.app.state.live
    return live


LiveDep = Annotated[Live, Depends(_live)]
