"""deploy/nginx as it is, started without rights on free ports of this machine, in front of real servers."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
NEEDS_NGINX = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
MAIN = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{ worker_connections 512; }}
http {{
    {temporary}
    include {folder}/lianpu.conf;
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Proxy:
    folder: Path
    http_port: int
    https_port: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))

    def temporary_files(self) -> set[str]:
        """Kinds of what nginx has written of requests and answers. It deletes such files while it holds them open."""
        master = (self.folder / "nginx.pid").read_text().strip()
        workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        assert workers
        found = {name for name in TEMPORARY if any((self.folder / name).rglob("*.*"))}
        for worker in workers:
            for descriptor in Path(f"/proc/{worker}/fd").iterdir():
                with suppress(FileNotFoundError):
                    target = str(descriptor.readlink())
                    found |= {name for name in TEMPORARY if target.startswith(f"{self.folder}/{name}/")}
        return found

    def written(self) -> str:
        """All of its logs."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))


def make_certificate(folder: Path) -> None:
    """Of `localhost`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def configure(folder: Path, nodes: Sequence[int], replaced: Mapping[str, str] | None = None) -> Proxy:
    """Write the configuration: the files of deploy/nginx with the ports, names and paths of this folder."""
    proxy = Proxy(folder, free_port(), free_port())
    make_certificate(folder)
    changes = {
        "server 127.0.0.1:8000 max_fails=0;": "".join(f"server 127.0.0.1:{port} max_fails=0;" for port in nodes),
        "listen 80;": f"listen 127.0.0.1:{proxy.http_port};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{proxy.https_port} ssl http2;",
        "/etc/ssl/lianpu/fullchain.pem": f"{folder}/certificate.pem",
        "/etc/ssl/lianpu/privkey.pem": f"{folder}/key.pem",
        "/var/log/nginx/": f"{folder}/",
        **(replaced or {}),
    }
    (folder / "lianpu").mkdir()
    texts = {
        path: path.read_text(encoding="utf-8")
        for path in (DEPLOY / "nginx" / "lianpu.conf", *sorted((DEPLOY / "nginx" / "lianpu").glob("*.conf")))
    }
    for old, new in changes.items():
        assert any(old in text for text in texts.values()), f"deploy/nginx has no {old!r}"
        texts = {path: text.replace(old, new) for path, text in texts.items()}
    for path, text in texts.items():
        (folder / path.relative_to(DEPLOY / "nginx")).write_text(text, encoding="utf-8")
    for name in TEMPORARY:
        (folder / name).mkdir()
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    # Workers of root's nginx would be somebody who may not read root's folders.
    user = "user root root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(user=user, folder=folder, temporary=temporary), encoding="utf-8")
    return proxy


def check(proxy: Proxy) -> subprocess.CompletedProcess[str]:
    """`nginx -t`."""
    assert NGINX is not None
    return subprocess.run(
        [NGINX, "-t", "-c", str(proxy.folder / "nginx.conf")], capture_output=True, text=True, timeout=30
    )


@contextmanager
def running(proxy: Proxy) -> Iterator[Proxy]:
    assert NGINX is not None
    with (proxy.folder / "stderr.log").open("wb") as output:
        process = subprocess.Popen([NGINX, "-c", str(proxy.folder / "nginx.conf")], stderr=output)
    try:
        for _ in range(200):
            assert process.poll() is None, proxy.written()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", proxy.https_port)) == 0:
                    break
            time.sleep(0.05)
        yield proxy
    finally:
        process.terminate()
        process.wait(20)
