"""A cloud on this machine: moto's server, where it listens and what is said in it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3

from cdk.local.faults import FAULTS, Trouble
from cdk.local.figures import FIGURES

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "canary-of-nobody-3f71", "AWS_REGION": REGION}
"""Of nobody: the server takes any."""
CHECKOUT = Path(__file__).resolve().parents[2]
PARSER = Path(sys.prefix) / "local-cloud"
"""antlr4 as moto's state machines need it, apart from the older one that the embedded world's omegaconf needs."""
NODES_QUEUE = "nodes"
"""How the name of a queue of multi-node jobs ends, which has no lanes."""
_START_SECONDS = 60


@dataclass(frozen=True)
class LocalCloud:
    """The address of a running server, and where it writes what functions and jobs say."""

    address: str
    logs: Path

    @property
    def environment(self) -> dict[str, str]:
        """What functions and jobs are told of it."""
        here = {"AWS_ENDPOINT_URL": self.address, "AWS_DEFAULT_REGION": REGION}
        return {**here, **CREDENTIALS, "POWERTOOLS_TRACE_DISABLED": "true"}

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        return boto3.client(service, endpoint_url=self.address, region_name=REGION)

    @contextmanager
    def troubled(self, trouble: Trouble) -> Iterator[None]:
        """Let this go wrong during the block."""
        self._ask_for(trouble)
        try:
            yield
        finally:
            self._ask_for(Trouble())

    def _ask_for(self, trouble: Trouble) -> None:
        body = json.dumps(asdict(trouble)).encode()
        urllib.request.urlopen(urllib.request.Request(self.address + FAULTS, data=body))

    def figures(self) -> dict[str, Any]:
        """Requests for objects and their bytes, and every call of a function, since the server started."""
        with urllib.request.urlopen(self.address + FIGURES) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def said(self) -> str:
        """Everything that functions and jobs have logged."""
        return "\n".join(path.read_text() for path in sorted(self.logs.iterdir()))


@contextmanager
def running(folder: Path) -> Iterator[LocalCloud]:
    """A server on a free port of loopback, which ends with the block; RuntimeError if it does not come up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = f"from pathlib import Path; from cdk.local.server import main; main({port}, Path({str(folder)!r}))"
    environment = os.environ | {"PYTHONPATH": f"{PARSER}:{CHECKOUT}"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=log, stderr=log, start_new_session=True, env=environment
        )
    try:
        cloud = LocalCloud(f"http://127.0.0.1:{port}", folder)
        _wait_for(cloud, process)
        yield cloud
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(cloud: LocalCloud, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{cloud.address}/moto-api/", timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the local cloud did not start: {cloud.said()[-2000:]}")


def create_public_bucket(cloud: LocalCloud, bucket: str) -> None:
    """A bucket that anybody may read, as open data are: readers sign nothing."""
    cloud.client("s3").create_bucket(Bucket=bucket)
    arn = f"arn:aws:s3:::{bucket}"
    actions = ["s3:GetObject", "s3:HeadObject", "s3:ListBucket"]  # the second is moto's own: S3 takes it for the first
    allowed = {"Effect": "Allow", "Principal": "*", "Action": actions}
    policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": [arn, f"{arn}/*"]}]}
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
