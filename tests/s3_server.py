"""A server that speaks S3, of a test's own, on the loopback interface; what it holds is gone when it ends."""

import importlib.util
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lianpu.storage.s3 import Bucket
from tests.redis_server import unused_port

KEY, SECRET = "test-key", "a-secret-of-the-bucket"


@contextmanager
def s3_server(bucket: str = "faces", *, port: int | None = None) -> Iterator[Bucket]:
    """
    Args:
        port: None: one that is free.
    """
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask_cors") is None:
        pytest.skip("moto is not installed")
    port = port or unused_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                made = urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")
                urllib.request.urlopen(made, timeout=10).close()
                break
            except urllib.error.URLError:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.1)
        yield Bucket(bucket, "", endpoint, "us-east-1", KEY, SECRET)
    finally:
        process.kill()
        process.wait(30)
