"""The physics runs of one hour on the cluster: submitted, watched, and who waits for them told, once.

`python -m pipeline.physics.hour FOLDER CONFIG SECONDS` runs on the node that submits. FOLDER is named by the hour and
lies beside those of other hours; the hour's runs are those of the configuration that are due, and every folder in
FOLDER that `hourcast physics submit --dry-run` has prepared. The hour's state machine waits with a token. This is the
epilogue of the runs' jobs: Slurm's own does not run for a job that got no node, runs again for one that is put back,
knows one job and no run, and is refused by ParallelCluster.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal

from models.chain import JOB, Job
from pipeline import physics, slurm
from pipeline.cycle import Cycle
from pipeline.physics import domains
from pipeline.steps import Deployment

TOKEN = "HOURCAST_TASK_TOKEN"
"""Environment variable with the token of the task that waits; it is shown to nobody and logged nowhere."""
POLL_SECONDS = 5.0
_CAUSE = 32_768
"""Characters that Step Functions takes of a cause."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a run; `lost` is one that the hour does not wait for, although its jobs may go on."""

    state: Literal["going", "whole", "lost"]
    reason: str


@dataclass(frozen=True)
class Waiting:
    """The task that waits for the runs, and a client of Step Functions to tell it by."""

    token: str
    states: Any

    def heartbeat(self) -> bool:
        """Say that the runs are watched; False if nobody waits any more. If it is not heard, the next may be."""
        from botocore.exceptions import BotoCoreError, ClientError

        gone = self.states.exceptions
        try:
            self.states.send_task_heartbeat(taskToken=self.token)
        except (gone.TaskTimedOut, gone.TaskDoesNotExist, gone.InvalidToken):
            return False
        except (BotoCoreError, ClientError) as error:
            print(f"heartbeat: {error}", file=sys.stderr)
        return True

    def answer(self, verdicts: Mapping[str, Verdict]) -> None:
        """Success if every run is whole, else failure with the reasons."""
        reasons = {name: verdict.reason for name, verdict in verdicts.items()}
        if all(verdict.state == "whole" for verdict in verdicts.values()):
            self.states.send_task_success(taskToken=self.token, output=json.dumps({"runs": reasons}))
        else:
            self.fail("PhysicsMissing", "; ".join(f"{name}: {reason}" for name, reason in reasons.items()))

    def fail(self, error: str, cause: str) -> None:
        """Say why there is no answer."""
        self.states.send_task_failure(taskToken=self.token, error=error, cause=cause[:_CAUSE])


def attend(
    folder: Path, config: Path, left: timedelta, waiting: Waiting, *, poll_seconds: float = POLL_SECONDS
) -> None:
    """Submit the runs of the hour that a folder is named by, and answer once each is whole or not waited for.

    left: how long the hour waits. An hour without runs is answered at once. Ends without an answer if nobody waits any
    more.
    """
    deadline = _now() + left
    with _beating(waiting, poll_seconds):  # preparing takes minutes
        runs, verdicts = submitted(config, Cycle.parse(folder.name), folder.parent)
    known = watched(runs, deadline, waiting.heartbeat, poll_seconds=poll_seconds)
    if known is not None:
        verdicts |= known
        for name, verdict in verdicts.items():  # for the log of Systems Manager
            print(f"{name}: {verdict.state}: {verdict.reason}")
        waiting.answer(verdicts)


@contextmanager
def _beating(waiting: Waiting, seconds: float) -> Iterator[None]:
    """Say meanwhile that the runs are attended to."""
    ended = Event()

    def beat() -> None:
        while not ended.wait(seconds):
            waiting.heartbeat()

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def submitted(config: Path, hour: Cycle, folder: Path) -> tuple[list[Path], dict[str, Verdict]]:
    """The runs of an hour below a folder, each submitted once, and what is known of one that is not there.

    One that Slurm refuses counts as not there: a later hour tries again.
    """
    deployment = Deployment.open(config)
    made, absent = domains.due(deployment, hour, folder)
    runs = []
    for run in sorted({*made, *(path.parent for path in (folder / str(hour)).glob(f"*/{JOB}"))}):
        try:
            if not (run / physics.JOBS).exists():
                job = Job.read(run)
                physics.submit(job, run, config, domains.nodes(deployment, job))
        except slurm.SlurmError as error:
            absent[run.name] = str(error)
        else:
            runs.append(run)
    return runs, {name: Verdict("lost", reason) for name, reason in absent.items()}


def watched(
    runs: list[Path], deadline: datetime, anybody_waits: Callable[[], bool], *, poll_seconds: float = POLL_SECONDS
) -> dict[str, Verdict] | None:
    """What has become of runs once each is whole or not waited for, by name; None if nobody waits any more.

    None is ever cancelled: what comes too late for this hour serves the next.
    """
    while True:
        verdicts = {run.name: _verdict(run, deadline) for run in runs}
        if all(verdict.state != "going" for verdict in verdicts.values()):
            return verdicts
        if not anybody_waits():
            return None
        time.sleep(poll_seconds)


def _verdict(run: Path, deadline: datetime) -> Verdict:
    now = _now()
    try:
        if physics.stored(run):
            return Verdict("whole", "it is stored")
        physics.release(run)
        decision = physics.standing(run, now, deadline)
    except slurm.SlurmError as error:  # the controller may be away for a moment
        return Verdict("going" if now < deadline else "lost", str(error))
    return Verdict("going" if decision.wait else "lost", decision.reason)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def main(arguments: list[str]) -> None:
    """Attend to the runs of a folder for so many seconds; whatever goes wrong is told, too."""
    import boto3

    folder, config, seconds = arguments
    waiting = Waiting(os.environ.pop(TOKEN), boto3.client("stepfunctions"))
    try:
        attend(Path(folder), Path(config), timedelta(seconds=int(seconds)), waiting)
    except Exception as error:
        waiting.fail(type(error).__name__, str(error))
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
