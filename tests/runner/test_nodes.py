"""A stage on the nodes of one job: processes with the environment that Batch gives to nodes, of which one is lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from pipeline import journal, paths
from pipeline.cycle import Cycle
from pipeline.runner.nodes import attend
from pipeline.runner.worker import Exit
from pipeline.store import Store
from tests.runner.test_runner import ROOT, contents
from tests.toys import slow

HOUR = Cycle.parse("2026-01-31T06")
SECONDS = 90
ADDRESS = "127.0.0.1"
# `hourcast nodes` with toys for stages, which get the memory of a worker, on loopback and a port that nobody else has.
PROGRAM = f"""
import os
from dataclasses import replace
from pipeline import cli
from pipeline.runner import nodes
from tests.runner.test_runner import toy
nodes.stage = lambda name: replace(toy(name, timeout_seconds=8), retries=6, memory_mib=1024)
nodes.get_ip = lambda: "{ADDRESS}"
nodes.PORT = int(os.environ["TOY_PORT"])
if __name__ == "__main__":
    cli.main()
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with a configuration in it."""
    store = Store.open(f"file://{tmp_path}/store")
    store.write(paths.CONFIGURATION, yaml.safe_dump({"store": store.url, "sources": {"gfs": {}}}).encode())
    return store


class Job:
    """So many nodes of a job of one stage, each in a process group of its own; gone after a block of it."""

    def __init__(self, folder: Path, store: Store, stage: str, count: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        script = folder / "nodes.py"
        script.write_text(PROGRAM)
        arguments = ["nodes", "--cycle", str(HOUR), "--stage", stage, "--workers", "1"]
        given = os.environ | {
            "PYTHONPATH": str(ROOT), "HOURCAST_STORE": store.url, "TOY_PORT": str(port),
            "AWS_BATCH_JOB_NUM_NODES": str(count), "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
        }  # fmt: skip
        self.log = folder / "log"
        self.nodes = []
        for number in range(count):
            own = {"AWS_BATCH_JOB_NODE_INDEX": str(number)}
            if number:  # node 0 is not told its own address
                own["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = ADDRESS
            with self.log.open("ab") as log:
                self.nodes.append(
                    subprocess.Popen(
                        [sys.executable, str(script), *arguments],
                        env=given | own,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                        cwd=folder,
                    )
                )

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        for number, node in enumerate(self.nodes):
            with suppress(ProcessLookupError):
                self.lose(number)
            node.wait()

    def lose(self, number: int) -> None:
        """As when the machine of a node goes away: everything on it."""
        os.killpg(self.nodes[number].pid, signal.SIGKILL)

    def wait(self) -> int:
        """The exit code of node 0, which is the job's; the other nodes have ended then too."""
        code = self.nodes[0].wait(SECONDS)
        for node in self.nodes[1:]:
            node.wait(SECONDS)
        return code


def takers(store: Store) -> set[int]:
    """Process groups, which are nodes, that have taken shards."""
    return {int(info.key.rsplit("/", 1)[-1].split("-")[0]) for info in store.list(f"work/{HOUR}/taken")}


def test_the_loss_of_a_node_loses_no_shard_and_changes_no_byte(tmp_path: Path, store: Store) -> None:
    with Job(tmp_path, store, "slow", 2) as job:
        until = time.monotonic() + SECONDS
        while job.nodes[1].pid not in takers(store):
            assert time.monotonic() < until, job.log.read_text()
            time.sleep(0.02)
        job.lose(1)
        assert job.wait() == Exit.DONE, job.log.read_text()
    assert takers(store) == {node.pid for node in job.nodes}
    assert journal.finished_shards(store, HOUR, "slow") == {*slow.shards(None, HOUR)}  # type: ignore[arg-type]
    made = contents(tmp_path / "store")
    assert made == {f"{HOUR}/{shard}": f"{HOUR} {shard}".encode() * 1000 for shard in slow.shards(None, HOUR)}  # type: ignore[arg-type]


def test_a_shard_over_its_time_is_repeated_by_another_process(tmp_path: Path, store: Store) -> None:
    with Job(tmp_path, store, "sleeps", 1) as job:
        assert job.wait() == Exit.DONE, job.log.read_text()
    assert journal.finished_shards(store, HOUR, "sleeps") == {"long"}


def test_what_cannot_be_used_is_told_from_what_may_pass(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert attend(store.url, "yesterday", "forecast", 0, None, 1) is Exit.BAD_INPUT
    assert attend(store.url, str(HOUR), "no-stage", 0, None, 1) is Exit.BAD_INPUT
    assert attend(f"{store.url}/elsewhere", str(HOUR), "forecast", 1, ADDRESS, 1) is Exit.BAD_INPUT
    assert "no forecast.yaml in" in capsys.readouterr().err
