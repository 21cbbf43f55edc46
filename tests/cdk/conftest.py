"""Synthesised apps, made once for all workers: production with a cluster, and a small one with every option."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAM = """
import sys
from dataclasses import replace

from cdk.app import synthesise
from cdk.cluster.settings import Cluster, Customer
from cdk.settings import SETTINGS

cluster = Cluster("pcs", "ami-0123456789abcdef0", customers=(Customer("utility", "210987654321"),))
account = "210987654321"
synthesise(replace(SETTINGS["prod"], cluster=cluster, customers=(account,)), sys.argv[1])
other = replace(SETTINGS["dev"], processor="arm64", requester_pays=True, customers=(account,), email="a@example.org")
other = replace(other, export_buckets=("acme-weather",))
synthesise(other, sys.argv[1] + "/other")
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Its templates; that they are there says that cdk-nag found nothing without a reason."""
    if find_spec("aws_cdk") is None:  # an import would start a node in every worker
        pytest.skip("needs aws_cdk: pip install 'hourcast[cloud]'")
    if shutil.which("node") is None:
        pytest.skip("node, which CDK runs on, is not installed")
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    folder, whole = shared / "synthesised", shared / "synthesised.whole"
    with (shared / "synthesised.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            command = [sys.executable, "-c", PROGRAM, str(folder)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-3000:]
            whole.touch()
    return folder
