"""A whole installation as real processes: two servers behind deploy/nginx, three workers, database, Redis and broker.

    LIANPU_TEST_INSTALLATION=postgresql+redis pytest -m browser tests/browser

runs the browser's tests on one in place of a single server.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.server import CrashingServer
from tests.databases import found_server, served
from tests.deploy.proxy import NGINX, Proxy, configure, running
from tests.nodes.installation import START_S, Installation, WorkerProcess, empty_rabbitmq, is_ready
from tests.redis_server import NOTHING_KEPT, redis_server, unused_port

KINDS = ("postgresql+redis", "mariadb+rabbitmq")
SERVERS, WORKERS = 2, 3


@dataclass
class Scaled(Installation):
    """`servers` and `workers` stay on their ports and in their places when they are started again."""

    proxy: Proxy | None = None
    redis: "RestartedRedis | None" = None

    @property
    def url(self) -> str:
        """Of the proxy, which speaks HTTP here."""
        assert self.proxy is not None
        return f"http://127.0.0.1:{self.proxy.https_port}"


class RestartedRedis:
    """It keeps nothing: a restart loses all that was in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.port = unused_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._stack.enter_context(redis_server(self._folder, *NOTHING_KEPT, port=self.port))

    def stop(self) -> None:
        self._stack.close()


@contextmanager
def scaled(kind: str, home: Path, folder: Path, environment: dict[str, str]) -> Iterator[Scaled]:
    """
    Args:
        kind: of `KINDS`: the database server and what carries the jobs.
        home: what all nodes share; made where it is not there.
    """
    if NGINX is None:
        pytest.skip("nginx is not installed")
    database, broker = kind.split("+")
    home.mkdir(parents=True, exist_ok=True)
    (folder / "redis").mkdir()
    (folder / "nginx").mkdir()
    with ExitStack() as stack:
        redis = RestartedRedis(folder / "redis")
        stack.callback(redis.stop)
        redis.start()
        settings = {
            "LIANPU_SERVER__TRUSTED_PROXIES": "127.0.0.1",
            "LIANPU_ACCOUNTS__SECRET": secrets.token_urlsafe(24),
            "LIANPU_DATABASE__URL": stack.enter_context(contextmanager(served)(found_server(database))),
            # Three of these installations may stand at once, and PostgreSQL allows a hundred connections.
            "LIANPU_DATABASE__MAX_CONNECTIONS": "4",
            "LIANPU_NODES__REDIS": f"{redis.url}/0",
            "LIANPU_LIMITS__STORAGE": f"{redis.url}/1",
            "LIANPU_ENHANCE__STORAGE": f"{redis.url}/2",
            "LIANPU_JOBS__BROKER": f"{redis.url}/3" if broker == "redis" else stack.enter_context(empty_rabbitmq()),
            "LIANPU_STREAMS__RUN": "false",
            **environment,
        }
        servers = [
            CrashingServer(home, settings, folder / f"server{number}.log", fixed_port=unused_port())
            for number in range(SERVERS)
        ]
        workers = [
            WorkerProcess(home, settings, folder / f"worker{number}.log", ("--jobs", "--streams"))
            for number in range(WORKERS)
        ]
        for server in servers:
            stack.callback(server.stop)
            server.start()
        for worker in workers:
            stack.callback(worker.stop)
            worker.start()
        proxy = _without_tls(configure(folder / "nginx", [server.port for server in servers]))
        one = Scaled(list(servers), list(workers), settings, stack.enter_context(running(proxy)), redis)
        one.until(lambda: all(is_ready(worker) for worker in workers), within_s=START_S)
        yield one


def _without_tls(proxy: Proxy) -> Proxy:
    """A browser would ask who signed the certificate."""
    site = proxy.folder / "lianpu.conf"
    text = site.read_text(encoding="utf-8")
    with_tls = f"listen 127.0.0.1:{proxy.https_port} ssl http2;"
    assert with_tls in text
    site.write_text(text.replace(with_tls, f"listen 127.0.0.1:{proxy.https_port};"), encoding="utf-8")
    limits = proxy.folder / "lianpu" / "limits.conf"
    text = limits.read_text(encoding="utf-8")
    # Every page of every test logs in.
    assert "rate=30r/m" in text
    limits.write_text(text.replace("rate=30r/m", "rate=6000r/m"), encoding="utf-8")
    return proxy
