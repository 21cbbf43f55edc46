"""A real Slurm of five virtual nodes on this machine, without systemd, bound to the loopback interface only."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pipeline.slurm import Layout, cancel, follow, script, submit
from tests import slurm_accounting

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")
NODES = ("n1", "n2", "n3", "n4", "n5")
_KILL_WAIT_SECONDS = 2
_NODE = "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=4000 State=UNKNOWN\n"
_CONF = """\
ClusterName=hourcast
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.sock,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=1
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
SlurmdSpoolDir={root}/spool.%n
StateSaveLocation={root}/state
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.%n.log
SlurmdParameters=config_overrides
Prolog={root}/prolog
SchedulerParameters=batch_sched_delay=0,sched_interval=1
{accounting}JobRequeue=1
KillWait={kill_wait}
MinJobAge=65533
{nodes}PartitionName=compute Nodes=n[1-2] Default=YES MaxTime=60 State=UP
PartitionName=quiet Nodes=n[3-5] MaxTime=60 State=UP
"""


def missing() -> str:
    """Why no cluster can be started here; empty if one can."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if absent:
        return f"Slurm is not installed ({', '.join(absent)}): apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "a Slurm of one's own needs root"


@contextmanager
def cluster(root: Path) -> Iterator[None]:
    """Start the cluster below `root` and point SLURM_CONF at it; its daemons end with the context."""
    ports = {name: _free_port() for name in ("controller", "accounts", "database")}
    host = socket.gethostname()
    os.environ["PATH"] += ":/usr/sbin"
    accounting = ""
    if slurm_accounting.installed(os.environ["PATH"]):
        accounting = slurm_accounting.STORAGE.format(root=root, port=ports["accounts"])
    conf = root / "slurm.conf"
    nodes = "".join(_NODE.format(node=node, host=host, port=_free_port()) for node in NODES)
    conf.write_text(
        _CONF.format(
            host=host,
            port=ports["controller"],
            root=root,
            accounting=accounting,
            nodes=nodes,
            kill_wait=_KILL_WAIT_SECONDS,
        )
    )
    prolog = root / "prolog"
    prolog.write_text(f"#!/bin/sh\n[ ! -e {root}/broken.$SLURMD_NODENAME ]\n")
    prolog.chmod(0o755)
    key = root / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    (root / "state").mkdir()
    os.environ["SLURM_CONF"] = str(conf)
    try:
        _start_munge(root)
        if accounting:
            slurm_accounting.start(root, ports["accounts"], ports["database"])
        _start(root, conf)
        yield
    finally:
        _end([root / f"slurmd.{node}.pid" for node in NODES] + [root / "slurmctld.pid", root / "slurmdbd.pid"])
        _end([root / "mariadbd.pid", root / "munged.pid"])


@contextmanager
def long_jobs(folder: Path) -> Iterator[dict[str, int]]:
    """The numbers of two jobs on nodes that none loses: `too-long`, where the least limit is a minute and Slurm looks
    twice a minute, and `put-back`, which it asks to put itself back before its limit."""
    one = Layout(partition="quiet", nodes=1, ranks_per_node=1, threads=1, minutes=1, signal_seconds=0, efa=False)
    goes_on = "bash -c '[ -e restart ] || { touch restart; exec sleep 300; }'"
    texts = {
        "too-long": script("too-long", "sleep 300", one),
        "put-back": script("put-back", goes_on, replace(one, signal_seconds=58)),
    }
    jobs = {name: submit(text, folder) for name, text in texts.items()}
    yield jobs
    for job in jobs.values():
        cancel(job)
        list(follow(job, poll_seconds=0.1))


def _start_munge(root: Path) -> None:
    options = {"key-file": "key", "socket": "sock", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    files = {"pid": root / "munged.pid"}
    munge = [f"--{option}={files.get(end, root / f'munge.{end}')}" for option, end in options.items()]
    subprocess.run(["munged", *munge, "--force"], check=True)


def _start(root: Path, conf: Path) -> None:
    subprocess.run(["slurmctld", "-c", "-f", str(conf)], check=True)
    for node in NODES:
        (root / f"spool.{node}").mkdir()
        subprocess.run(["slurmd", "-N", node, "-f", str(conf)], check=True)
    until = time.monotonic() + 60
    while _idle() < len(NODES):
        if time.monotonic() > until:
            raise TimeoutError(f"no idle nodes after a minute: see {root}/slurmctld.log")
        time.sleep(0.1)


def _idle() -> int:
    done = subprocess.run(["sinfo", "-hN", "-o", "%t"], capture_output=True, text=True, check=False)
    return done.stdout.split().count("idle")


def lose(node: str) -> None:
    """Take a node from whatever runs on it, and bring it back, which Slurm may refuse at first.

    Not before the job's processes have ended there: the same job started beside them would be held as a duplicate.
    """
    subprocess.run(["scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test"], check=True)
    time.sleep(_KILL_WAIT_SECONDS + 1)
    until = time.monotonic() + 60
    while "down" in _state(node):
        if time.monotonic() > until:
            raise TimeoutError(f"node {node} is still {_state(node)} after a minute")
        subprocess.run(["scontrol", "update", f"NodeName={node}", "State=RESUME"], capture_output=True, check=False)
        time.sleep(0.1)


@contextmanager
def broken(*nodes: str) -> Iterator[None]:
    """Nodes that start no job for now: Slurm drains them, and holds the jobs. Afterwards they are repaired."""
    root = Path(os.environ["SLURM_CONF"]).parent
    flags = [root / f"broken.{node}" for node in nodes]
    for flag in flags:
        flag.touch()
    try:
        yield
    finally:
        for flag in flags:
            flag.unlink()
        for node in (node for node in nodes if "drain" in _state(node)):
            subprocess.run(["scontrol", "update", f"NodeName={node}", "State=RESUME"], check=True)


def _state(node: str) -> str:
    done = subprocess.run(["sinfo", "-hN", "-n", node, "-o", "%T"], capture_output=True, text=True, check=True)
    return done.stdout


def _end(pid_files: Sequence[Path]) -> None:
    """End daemons by the numbers they wrote, all at once, and wait until they are gone."""
    numbers = [int(path.read_text()) for path in pid_files if path.exists()]
    for sign in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + 5
        for number in numbers:
            _signal(number, sign)
        while time.monotonic() < until and any(_signal(number, 0) for number in numbers):
            time.sleep(0.05)


def _signal(number: int, sign: int) -> bool:
    """Whether the process is there to hear it; one that we started is buried."""
    try:
        with suppress(ChildProcessError):
            os.waitpid(number, os.WNOHANG)
        os.kill(number, sign)
    except ProcessLookupError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
