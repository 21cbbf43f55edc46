"""The Batch service as a job sees it: a process a job or node, with attempts, a time limit and a reason for its end."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from fnmatch import fnmatch
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from cdk.lanes import WEIGHTS
from cdk.local import clock, scarcity
from cdk.local.machines import Machines
from pipeline.stages import STAGES

POLL_SECONDS = 0.02
KILLED_AFTER_SECONDS = 0.3
MACHINES = 2
"""Jobs that run at the same time; the others wait in the queue."""
_machines = Machines(MACHINES, WEIGHTS)
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["pipeline.cli", "pipeline.runner.worker", *(row.module for row in STAGES), "pipeline.warm"]
)
_jobs_of_nodes = itertools.count()
_kills, _losses = threading.Semaphore(0), threading.Semaphore(0)
_lacking: dict[str, str] = {}
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


def prepare() -> None:
    """Begin to import what jobs need, so that the first does not wait for it."""
    forkserver.ensure_running()


def let_fail(*, killed: int, vanished: int) -> None:
    """Kill so many attempts that run, or the next, in the middle, as when Spot takes the machine away; let so many jobs
    not run."""
    for failures, count in ((_kills, killed), (_losses, vanished)):
        for _ in range(count):
            failures.release()


def let_lack(*, disk: str, memory: str) -> None:
    """Let jobs of these stages find a machine that has too little of it, in their first attempt."""
    _lacking.update(disk=disk, memory=memory)


def run_attempts(
    command: Sequence[str],
    lane: str,
    environment: Mapping[str, str],
    definition: Mapping[str, Any],
    log: Path,
    stopped: Callable[[], bool],
) -> bool:
    """Run a job of a lane as often as its definition allows; whether it succeeded."""
    if _losses.acquire(blocking=False):
        return False
    strategy, seconds = definition["retryStrategy"], definition["timeout"]["attemptDurationSeconds"]
    for attempt in range(1, strategy["attempts"] + 1):
        numbered = {**environment, "AWS_BATCH_JOB_ATTEMPT": str(attempt)}
        lacks = tuple(what for what, stage in _lacking.items() if attempt == 1 and stage in command)
        arguments = (list(command), numbered, str(log), clock.off_seconds(), lacks)
        process = _context.Process(target=_job, args=arguments)  # no daemon: it may have processes of its own
        with _machines.one(lane):
            exit_code = _run(process, time.monotonic() + seconds, stopped)
        scarcity.forget(process.pid)
        if exit_code == 0:
            return True
        reason = _OUT_OF_MEMORY if "memory" in lacks else ""
        if exit_code is None or not is_repeated(strategy["evaluateOnExit"], exit_code, reason):
            return False
    return False


def run_nodes(
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    definition: Mapping[str, Any],
    log: Path,
    stopped: Callable[[], bool],
) -> bool:
    """Run the nodes of a job, again while node 0 fails and its definition allows it; whether node 0 succeeded.

    Each is a program of its own, for it may have children as a machine has.
    """
    strategy, seconds = definition["retryStrategy"], definition["timeout"]["attemptDurationSeconds"]
    for _ in range(strategy["attempts"]):
        until = time.monotonic() + seconds
        with ExitStack() as ending:
            nodes = _start_nodes(commands, environment, log)
            for node in nodes:
                ending.callback(_end, node)
            while nodes[0].poll() is None and time.monotonic() < until and not stopped():
                time.sleep(POLL_SECONDS)
            exit_code = nodes[0].poll()
        if exit_code is None or exit_code == 0 or not is_repeated(strategy["evaluateOnExit"], exit_code):
            return exit_code == 0
    return False


def _start_nodes(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], log: Path
) -> list[subprocess.Popen[bytes]]:
    # Batch tells node 0's address to the others only; here all are told, to stay on loopback, where each job has one.
    address = f"127.1.{os.getpid() % 251}.{next(_jobs_of_nodes) % 251 + 2}"
    common = {
        **os.environ, **environment, "AWS_BATCH_JOB_NUM_NODES": str(len(commands)),
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0", "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": address,
    }  # fmt: skip
    with log.open("ab") as said:
        return [
            subprocess.Popen(
                [sys.executable, "-m", "pipeline", *command[1:]],
                env=common | {"AWS_BATCH_JOB_NODE_INDEX": str(number)}, stdout=said, stderr=said,
            )
            for number, command in enumerate(commands)
        ]  # fmt: skip


def _end(node: subprocess.Popen[bytes]) -> None:
    node.kill()
    node.wait()


def _run(process: BaseProcess, until: float, stopped: Callable[[], bool]) -> int | None:
    """The exit code of the process, None if it was killed for its time limit or because the job was stopped."""
    process.start()
    process.join(KILLED_AFTER_SECONDS)
    while process.is_alive() and time.monotonic() < until and not stopped():
        if _kills.acquire(blocking=False):
            process.kill()
        process.join(POLL_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        return None
    return process.exitcode


def is_repeated(rules: Sequence[Mapping[str, str]], exit_code: int, killed_for: str = "") -> bool:
    """What the first matching rule says; a killed process stands for a machine that was taken away, unless its
    container was `killed_for` what it took."""
    facts = {"onExitCode": str(exit_code), "onStatusReason": "Essential container in task exited", "onReason": ""}
    if exit_code < 0 and killed_for:
        facts |= {"onExitCode": "137", "onReason": killed_for}
    elif exit_code < 0:
        facts |= {"onExitCode": "", "onStatusReason": "Host EC2 (instance i-0) terminated."}
    for rule in rules:
        conditions = [(facts[key], pattern) for key, pattern in rule.items() if key != "action"]
        if all(fnmatch(fact, pattern) for fact, pattern in conditions):
            return rule["action"].upper() == "RETRY"
    return True


def _job(
    command: list[str], environment: dict[str, str], log: str, clock_seconds: float, lacks: tuple[str, ...]
) -> None:
    """In the new process: `hourcast` with these arguments."""
    # One of its own for who lacks something: files may have to be small.
    descriptor = os.open(".".join((log, *lacks)), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(environment)
    if clock_seconds:
        clock.put_off(clock_seconds)
    from pipeline.cli import main

    if "disk" in lacks:
        scarcity.small_disk()
    if "memory" in lacks:
        scarcity.little_memory()
    sys.argv = command
    main()
