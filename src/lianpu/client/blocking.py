"""`Lianpu`: the blocking client, and its groups of calls."""

from contextlib import suppress
from ssl import SSLContext
from typing import Self

import httpx2

from lianpu.client.connection import Connection
from lianpu.client.credentials import LoginAuth, credential
from lianpu.client.operation import Blocking
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


class Persons(PersonCalls, Blocking): ...


class Images(ImageCalls, Blocking): ...


class Inference(InferenceCalls, Blocking): ...


class Jobs(JobCalls, Blocking): ...


class Streams(StreamCalls, Blocking): ...


class Recordings(RecordingCalls, Blocking): ...


class Unknowns(UnknownCalls, Blocking): ...


class Webhooks(WebhookCalls, Blocking): ...


class Enhancements(EnhancementCalls, Blocking): ...


class Swaps(SwapCalls, Blocking): ...


class Consents(ConsentCalls, Blocking): ...


class LiveSwaps(LiveSwapCalls, Blocking): ...


class Models(ModelCalls, Blocking): ...


class Gallery(GalleryCalls, Blocking): ...


class Calibration(CalibrationCalls, Blocking): ...


class GalleryHealth(GalleryHealthCalls, Blocking): ...


class Transfers(TransferCalls, Blocking): ...


class Provenance(ProvenanceCalls, Blocking): ...


class Account(AccountCalls, Blocking): ...


class Users(UserCalls, Blocking): ...


class Keys(KeyCalls, Blocking): ...


class Audit(AuditCalls, Blocking): ...


class Lianpu(RecognitionCalls, SystemCalls, Blocking):
    """A Lianpu server. Use it as `with`, or `close()` it."""

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
        transport: httpx2.BaseTransport | None = None,
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
        client = httpx2.Client(
            base_url=base_url,
            auth=auth,
            timeout=httpx2.Timeout(timeout_s),
            headers={"User-Agent": USER_AGENT},
            verify=verify,
            trust_env=trust_env,
            transport=transport,
        )
        super().__init__(Connection(client, retrying or Retrying()))
        self._auth = auth
        self.persons = Persons(self.connection)
        self.images = Images(self.connection)
        self.inference = Inference(self.connection)
        self.jobs = Jobs(self.connection)
        self.streams = Streams(self.connection)
        self.recordings = Recordings(self.connection)
        self.unknowns = Unknowns(self.connection)
        self.webhooks = Webhooks(self.connection)
        self.enhancements = Enhancements(self.connection)
        self.swaps = Swaps(self.connection)
        self.consents = Consents(self.connection)
        self.live_swaps = LiveSwaps(self.connection)
        self.models = Models(self.connection)
        self.gallery = Gallery(self.connection)
        self.calibration = Calibration(self.connection)
        self.gallery_health = GalleryHealth(self.connection)
        self.transfers = Transfers(self.connection)
        self.provenance = Provenance(self.connection)
        self.account = Account(self.connection)
        self.users = Users(self.connection)
        self.keys = Keys(self.connection)
        self.audit = Audit(self.connection)

    def close(self) -> None:
        """End the login, if there is one, and close the connections."""
        ending = self._auth.forget() if isinstance(self._auth, LoginAuth) else None
        if ending is not None:
            # It ends by itself when nobody uses it.
            with suppress(httpx2.HTTPError):
                self.connection.client.send(ending, auth=None)
        self.connection.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
