"""`AsyncLianpu`: the client for asyncio, and its groups of calls."""

from contextlib import suppress
from ssl import SSLContext
from typing import Self

import httpx2

from lianpu.client.connection import AsyncConnection
from lianpu.client.credentials import LoginAuth, credential
from lianpu.client.operation import Awaited
from lianpu.client.resources.accounts import AccountCalls, KeyCalls, UserCalls
from lianpu.client.resources.audit import AuditCalls
from lianpu.client.resources.enhancements import EnhancementCalls
from lianpu.client.resources.gallery import CalibrationCalls, GalleryCalls, GalleryHealthCalls, TransferCalls
from lianpu.client.resources.images import ImageCalls, InferenceCalls
from lianpu.client.resources.jobs import JobCalls
from lianpu.client.resources.models import ModelCalls
from lianpu.client.resources.persons import PersonCalls
from lianpu.client.resources.provenance import ProvenanceCalls
from lianpu.client.resources.recognition import RecognitionCalls
from lianpu.client.resources.streams import RecordingCalls, StreamCalls
from lianpu.client.resources.swaps import ConsentCalls, LiveSwapCalls, SwapCalls
from lianpu.client.resources.system import SystemCalls
from lianpu.client.resources.unknowns import UnknownCalls
from lianpu.client.resources.webhooks import WebhookCalls
from lianpu.client.retrying import Retrying
from lianpu.client.version import USER_AGENT


class AsyncPersons(PersonCalls, Awaited): ...


class AsyncImages(ImageCalls, Awaited): ...


class AsyncInference(InferenceCalls, Awaited): ...


class AsyncJobs(JobCalls, Awaited): ...


class AsyncStreams(StreamCalls, Awaited): ...


class AsyncRecordings(RecordingCalls, Awaited): ...


class AsyncUnknowns(UnknownCalls, Awaited): ...


class AsyncWebhooks(WebhookCalls, Awaited): ...


class AsyncEnhancements(EnhancementCalls, Awaited): ...


class AsyncSwaps(SwapCalls, Awaited): ...


class AsyncConsents(ConsentCalls, Awaited): ...


class AsyncLiveSwaps(LiveSwapCalls, Awaited): ...


class AsyncModels(ModelCalls, Awaited): ...


class AsyncGallery(GalleryCalls, Awaited): ...


class AsyncCalibration(CalibrationCalls, Awaited): ...


class AsyncGalleryHealth(GalleryHealthCalls, Awaited): ...


class AsyncTransfers(TransferCalls, Awaited): ...


class AsyncProvenance(ProvenanceCalls, Awaited): ...


class AsyncAccount(AccountCalls, Awaited): ...


class AsyncUsers(UserCalls, Awaited): ...


class AsyncKeys(KeyCalls, Awaited): ...


class AsyncAudit(AuditCalls, Awaited): ...


class AsyncLianpu(RecognitionCalls, SystemCalls, Awaited):
    """A Lianpu server. Use it as `async with`, or `await aclose()` it."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        timeout_s: float = 60.0,
        retrying: Retrying | None = None,
        verify: bool | SSLContext = True,
        trust_env: bool = True,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Args:
            base_url: such as `http://127.0.0.1:8000`.
            api_key, username, password: an API key, or a login; nothing is asked of the server yet.
            timeout_s: of each connect, read and write; push connections wait longer for the next message.
            retrying: when refused calls are repeated.
            verify: check the server's certificate; or how.
            trust_env: whether proxies of the environment (`HTTPS_PROXY`) are used.
            transport: what carries the requests, instead of the network.

        Raises:
            ValueError: both an API key and a login are given, or half a login.
        """
        auth = credential(base_url, api_key, username, password)
        client = httpx2.AsyncClient(
            base_url=base_url,
            auth=auth,
            timeout=httpx2.Timeout(timeout_s),
            headers={"User-Agent": USER_AGENT},
            verify=verify,
            trust_env=trust_env,
            transport=transport,
        )
        super().__init__(AsyncConnection(client, retrying or Retrying()))
        self._auth = auth
        self.persons = AsyncPersons(self.connection)
        self.images = AsyncImages(self.connection)
        self.inference = AsyncInference(self.connection)
        self.jobs = AsyncJobs(self.connection)
        self.streams = AsyncStreams(self.connection)
        self.recordings = AsyncRecordings(self.connection)
        self.unknowns = AsyncUnknowns(self.connection)
        self.webhooks = AsyncWebhooks(self.connection)
        self.enhancements = AsyncEnhancements(self.connection)
        self.swaps = AsyncSwaps(self.connection)
        self.consents = AsyncConsents(self.connection)
        self.live_swaps = AsyncLiveSwaps(self.connection)
        self.models = AsyncModels(self.connection)
        self.gallery = AsyncGallery(self.connection)
        self.calibration = AsyncCalibration(self.connection)
        self.gallery_health = AsyncGalleryHealth(self.connection)
        self.transfers = AsyncTransfers(self.connection)
        self.provenance = AsyncProvenance(self.connection)
        self.account = AsyncAccount(self.connection)
        self.users = AsyncUsers(self.connection)
        self.keys = AsyncKeys(self.connection)
        self.audit = AsyncAudit(self.connection)

    async def aclose(self) -> None:
        """End the login, if there is one, and close the connections."""
        ending = self._auth.forget() if isinstance(self._auth, LoginAuth) else None
        if ending is not None:
            # It ends by itself when nobody uses it.
            with suppress(httpx2.HTTPError):
                await self.connection.client.send(ending, auth=None)
        await self.connection.client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
