"""Jobs of the physics models on a Slurm cluster: scripts from one table, submitted, followed and cancelled.

`jobs.csv` holds the layout of every step: an hpc7a.96xlarge has 192 cores in groups of 8 that share a cache,
so ranks times threads is 192 and a rank's threads lie in one group. A script holds nothing of where it is submitted.
https://slurm.schedmd.com/sbatch.html
"""

from __future__ import annotations

import csv
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

from models.progress import Step

STEPS: tuple[Step, ...] = ("pre", "run", "post")
FORGOTTEN = "FORGOTTEN"
"""Our word for the state of a job that Slurm knows no more. Without accounting, which no cluster of ours has by
default, that is every job five minutes after its end (MinJobAge of slurm.conf)."""
ENDED = frozenset(
    {
        "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE", "BOOT_FAIL",
        FORGOTTEN,
    }
)  # fmt: skip
LAST_RESTART = 3
"""How often a job puts itself back before its time limit, or is released after a failed launch; a node that dies is
Slurm's business."""
FAILED_LAUNCH = "launch_failed_requeued_held"
"""Why a job waits that a node could not start: Slurm puts it back, drains the node, and holds the job for somebody."""
HELD = frozenset(
    {
        FAILED_LAUNCH, "JobHeldUser", "JobHeldAdmin", "job_requeued_in_held_state", "BadConstraints",
        "DependencyNeverSatisfied", "PartitionNodeLimit", "PartitionTimeLimit", "AccountNotAllowed", "InvalidAccount",
        "QOSNotAllowed", "InvalidQOS",
    }
)  # fmt: skip
"""Reasons that do not go away by themselves; a partition that is down or has no free node may come back.
https://slurm.schedmd.com/job_reason_codes.html"""
_EFA = {"FI_PROVIDER": "efa", "FI_EFA_USE_DEVICE_RDMA": "1", "I_MPI_OFI_LIBRARY_INTERNAL": "0"}
ANSWER_SECONDS = 60
"""How long a command of Slurm may take; a controller that is busy keeps it waiting."""
_UNKNOWN_JOB = "Invalid job id"
_NO_ACCOUNTING = "accounting storage is disabled"


class SlurmError(OSError):
    """Slurm refused a command; the message is what it said, in one line."""


@dataclass(frozen=True)
class Layout:
    """What one step of a model asks of the cluster; an empty partition is the cluster's default one.

    `signal_seconds` before its time limit a job puts itself back in the queue, to go on from its last restart file;
    0 lets the limit end it.
    """

    partition: str
    nodes: int
    ranks_per_node: int
    threads: int
    minutes: int
    signal_seconds: int
    efa: bool


@dataclass(frozen=True)
class Status:
    """Where a job stands: Slurm's state, exit code, how often it was put back, its nodes, why it waits if it does.

    Of one that is FORGOTTEN nothing else is known.
    """

    state: str
    exit_code: int
    restarts: int
    nodes: str
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED

    @property
    def held(self) -> bool:
        """Whether it waits for what only somebody can change."""
        return self.reason in HELD


@cache
def layouts() -> Mapping[tuple[str, Step], Layout]:
    """The table of layouts by model and step."""
    with resources.files(__package__).joinpath("jobs.csv").open(encoding="utf-8") as file:
        return {(row["model"], _step(row["step"])): _layout(row) for row in csv.DictReader(file)}


def _step(text: str) -> Step:
    return next(step for step in STEPS if step == text)


def _layout(row: Mapping[str, str]) -> Layout:
    names = ("nodes", "ranks_per_node", "threads", "minutes", "signal_seconds")
    nodes, ranks, threads, minutes, seconds = (int(row[name]) for name in names)
    return Layout(row["partition"], nodes, ranks, threads, minutes, seconds, row["efa"] == "yes")


def script(name: str, command: str, layout: Layout, *, array: int = 1) -> str:
    """The batch script of a step; `command` is one line of shell that goes on from its last restart file if any.

    It runs once, on the first node, and starts its own ranks on all of them by `srun`.

    array: so many domains, each one task that finds its number in SLURM_ARRAY_TASK_ID. ValueError for a name or a
    partition that is no word, a command of several lines, or counts below 1.
    """
    for word in (name, layout.partition or name):
        if not re.fullmatch(r"[\w.-]+", word):
            raise ValueError(f"expected a name of letters, digits, `.`, `-`, `_`; found {word!r}")
    if len(command.splitlines()) != 1 or not command.strip():
        raise ValueError(f"{name}: expected one line of shell; found {command!r}")
    if min(layout.nodes, layout.ranks_per_node, layout.threads, layout.minutes, array) < 1:
        raise ValueError(f"{name}: expected 1 or more nodes, ranks, threads, minutes and array tasks; found {layout}")
    options = {
        "job-name": name,
        "nodes": layout.nodes,
        "ntasks-per-node": layout.ranks_per_node,
        "cpus-per-task": layout.threads,
        "time": layout.minutes,
        "output": "%x.%A_%a.log" if array > 1 else "%x.%j.log",
        "open-mode": "append",
        "requeue": None,
    }
    if layout.partition:
        options |= {"partition": layout.partition, "exclusive": None}
    if array > 1:
        options["array"] = f"0-{array - 1}"
    if layout.signal_seconds:
        options["signal"] = f"B:USR1@{layout.signal_seconds}"
    head = [f"#SBATCH --{key}" + ("" if value is None else f"={value}") for key, value in options.items()]
    variables = {"OMP_NUM_THREADS": str(layout.threads), "OMP_PLACES": "cores", "OMP_PROC_BIND": "close"}
    variables["SRUN_CPUS_PER_TASK"] = str(layout.threads)  # srun no longer takes it from the job: Slurm 22.05
    variables |= _EFA if layout.efa else {}
    exports = [f"export {key}={value}" for key, value in variables.items()]
    return "\n".join(["#!/bin/bash", *head, "set -euo pipefail", *exports, *_body(command, layout), ""])


def _body(command: str, layout: Layout) -> list[str]:
    """The command in the background, so that the shell hears the signal at once."""
    if not layout.signal_seconds:
        return [command]
    put_back = (
        f'put_back() {{ [ "${{SLURM_RESTART_COUNT:-0}}" -lt {LAST_RESTART} ] && scontrol requeue "$SLURM_JOB_ID"; }}'
    )
    # A trapped signal ends `wait` with a status above 128; the command's own comes from the second one.
    waiting = "wait $! || { status=$?; wait $! || exit $?; exit $status; }"
    return [put_back, "trap put_back USR1", f"{command} &", waiting]


def submit(text: str, folder: Path, *, after: Sequence[int] = ()) -> int:
    """Submit a script to run in `folder` once all jobs `after` have succeeded; the job's number.

    SlurmError if Slurm refuses it. If one of them fails, the job is cancelled.
    """
    options = [f"--chdir={folder}", "--parsable"]
    if after:
        options += [f"--dependency=afterok:{':'.join(map(str, after))}", "--kill-on-invalid-dep=yes"]
    return int(_call(["sbatch", *options], text).split(";")[0])


def sized(layout: Layout, ranks: int) -> Layout:
    """The layout with as many nodes as `ranks` fill; ValueError if they fill the last one only in part."""
    if ranks <= layout.ranks_per_node:
        return replace(layout, nodes=1, ranks_per_node=ranks)
    if ranks % layout.ranks_per_node:
        raise ValueError(
            f"expected ranks in whole nodes of {layout.ranks_per_node} (pipeline/slurm/jobs.csv), or fewer than that; "
            f"found {ranks}"
        )
    return replace(layout, nodes=ranks // layout.ranks_per_node)


def submit_chain(
    name: str, commands: Mapping[Step, str], folder: Path, chosen: Mapping[Step, Layout]
) -> dict[Step, int]:
    """Submit the steps of a run one after the other, each after the one before; the jobs' numbers.

    SlurmError if Slurm refuses one; those before it are cancelled then: who submits the run again would have two of it.
    """
    jobs: dict[Step, int] = {}
    try:
        for step in STEPS:
            if step in commands:
                text = script(f"{name}-{step}", commands[step], chosen[step])
                jobs[step] = submit(text, folder, after=list(jobs.values())[-1:])
    except SlurmError:
        for job in jobs.values():
            cancel(job)
        raise
    return jobs


def status(job: int) -> Status:
    """Where a job stands: from the controller while it remembers the job, afterwards from the accounting.

    Its state is FORGOTTEN if neither knows it. SlurmError if the controller does not answer.
    """
    try:
        text = _call(["scontrol", "show", "job", "--oneliner", str(job)])
    except SlurmError as error:
        if _UNKNOWN_JOB not in str(error):
            raise
        return accounted(job)
    facts = dict(re.findall(r"(\w+)=(\S*)", text.splitlines()[0]))
    nodes = "" if facts["NodeList"] == "(null)" else facts["NodeList"]
    reason = facts["Reason"] if facts["JobState"] == "PENDING" and facts["Reason"] != "None" else ""
    return Status(facts["JobState"], int(facts["ExitCode"].split(":")[0]), int(facts["Restarts"]), nodes, reason)


def accounted(job: int) -> Status:
    """Where a job stood when the accounting last heard of it; FORGOTTEN if it never did, or if there is none."""
    # One row an attempt, the last one the newest.
    columns = "State,ExitCode,NodeList"
    command = ["sacct", "--allocations", "--duplicates", "--noheader", "--parsable2", f"--format={columns}", f"-j{job}"]
    try:
        rows = [line.split("|") for line in _call(command).splitlines()]
    except SlurmError as error:
        if _NO_ACCOUNTING not in str(error):
            raise
        rows = []
    if not rows:
        return Status(FORGOTTEN, 0, 0, "")
    state, code, nodes = rows[-1]
    return Status(state.split()[0], int(code.split(":")[0]), len(rows) - 1, nodes)


def follow(job: int, *, poll_seconds: float = 5.0) -> Iterator[Status]:
    """Every change of a job's status, until it has ended or is held."""
    last = None
    while last is None or not (last.ended or last.held):
        now = status(job)
        if now != last:
            yield now
            last = now
        else:
            time.sleep(poll_seconds)


def partitions() -> list[str]:
    """Names of the cluster's partitions; SlurmError if no controller answers."""
    return sorted(set(_call(["sinfo", "--noheader", "--format=%R"]).split()))


def cancel(job: int) -> None:
    """End a job, waiting or running; one that has ended stays as it is."""
    _call(["scancel", str(job)])


def release(job: int) -> bool:
    """Let a job that no node could start be tried again, LAST_RESTART times at most; whether it will be."""
    now = status(job)
    again = now.reason == FAILED_LAUNCH and now.restarts <= LAST_RESTART
    if again:
        _call(["scontrol", "release", str(job)])
    return again


def _call(command: Sequence[str], text: str | None = None) -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=ANSWER_SECONDS)
    except FileNotFoundError:
        raise SlurmError(f"{command[0]} is not installed: this machine knows no Slurm") from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{command[0]}: no answer in {ANSWER_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise SlurmError(" ".join(f"{command[0]}: {error.stderr}".split())) from None
    return done.stdout.strip()
