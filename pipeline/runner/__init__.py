"""Run the table of stages: on this machine's processes or a dask cluster, skipping what the journal has."""

from __future__ import annotations

import importlib
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from pipeline import journal
from pipeline.cycle import Cycle
from pipeline.runner import bill
from pipeline.runner.pool import Cluster, Pool
from pipeline.stages import STAGES, SUPPLIERS, Stage
from pipeline.steps import Deployment

# A failure of these kinds may pass; any other would come again with the same inputs.
PASSING = (OSError, MemoryError, BrokenProcessPool)
_BACKOFF_SECONDS = 0.5
_POLL_SECONDS = 1.0


class StageError(Exception):
    """A shard failed for good; the message is one line for a human."""


class Watcher(Protocol):
    """Is told how the work goes."""

    def planned(self, stage: Stage, shards: int, already_done: int) -> None:
        """A stage of an hour begins with so many shards, of which some need not run again."""

    def finished(self, stage: Stage, shard: str) -> None:
        """A shard is done."""


@dataclass(frozen=True)
class _Task:
    """One call in a worker: `shard` None lists the stage's shards."""

    hour: Cycle
    stage: Stage
    shard: str | None
    attempt: int = 0


@dataclass
class _Plan:
    """What remains of a run: stages not begun, tasks ready in order, tasks at work, shards left per begun stage.

    `behind` is how many stages wait for a stage, one after the other. `failure` is the first of a stage that the others
    can do without: it stops nothing, and is raised when the rest is done.
    """

    waiting: list[tuple[Cycle, Stage]]
    behind: dict[str, int]
    ready: list[_Task] = field(default_factory=list)
    working: dict[Future[Any], tuple[_Task, float]] = field(default_factory=dict)
    left: dict[tuple[Cycle, str], int] = field(default_factory=dict)
    failure: StageError | None = None

    def begin_ready_stages(self) -> None:
        """Queue the listing of every stage whose needs are met."""
        names = {stage.name for _, stage in self.waiting}
        for hour, stage in list(self.waiting):
            open_needs = {name for name in stage.needs if self.left.get((hour, name), 1 if name in names else 0)}
            if not open_needs:
                self.waiting.remove((hour, stage))
                self.left[hour, stage.name] = 1
                self.queue([_Task(hour, stage, None)])

    def queue(self, tasks: Iterable[_Task]) -> None:
        """Make tasks ready: most stages behind first, so that what nothing waits for fills the gaps of the rest."""
        self.ready.extend(tasks)
        self.ready.sort(key=lambda task: -self.behind[task.stage.name])

    def done(self, task: _Task) -> None:
        """Count one task of a stage as finished, or as done without."""
        self.left[task.hour, task.stage.name] -= 1

    def has_room(self, size: int) -> bool:
        """Whether the next task may start; what is repeated runs alone: if its process dies, no other is blamed."""
        repeated = self.ready[0].attempt or any(task.attempt for task, _ in self.working.values())
        return len(self.working) < (1 if repeated else size)


def run(
    deployment: Deployment,
    hours: Sequence[Cycle],
    pool: Pool | Cluster,
    watcher: Watcher,
    stages: Iterable[Stage] = STAGES,
    seconds: float = math.inf,
) -> bool:
    """Run the stages of the hours, each as soon as the stages it needs are finished, skipping journalled shards.

    Nothing is begun after so many seconds, but what has begun is finished. Returns whether all is done.

    What most stages wait for goes first. The hours must not depend on one another. Work lists are ordered, so two runs
    do the same things in the same order. Raises StageError when a shard has failed for good: at once if other stages
    need it; when all else is done if it is a supplier's, without which the hour is published, or if nothing needs it.
    What is finished stays finished.
    """
    chosen = tuple(stages)
    behind = {stage.name: _behind(stage.name, chosen) for stage in chosen}
    plan = _Plan([(hour, stage) for hour in hours for stage in chosen], behind)
    for hour in hours:
        journal.begin(deployment.store, hour)
    plan.begin_ready_stages()
    end = time.monotonic() + seconds
    while plan.ready or plan.working:
        in_time = time.monotonic() < end
        while in_time and plan.ready and plan.has_room(pool.size):
            _start(plan, pool, deployment)
        if not in_time and not plan.working:
            return False
        finished, _ = wait(plan.working, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in finished:
            if future in plan.working:
                _collect(plan, pool, future, deployment, watcher)
        _restart_overdue(plan, pool)
    if plan.failure:
        raise plan.failure
    for hour in hours:
        if chosen == STAGES:
            journal.finish(deployment.store, hour)
    return True


def _behind(name: str, stages: Sequence[Stage]) -> int:
    """The length of the longest chain of stages that wait for one."""
    return max((1 + _behind(stage.name, stages) for stage in stages if name in stage.needs), default=0)


def _start(plan: _Plan, pool: Pool | Cluster, deployment: Deployment) -> None:
    task = plan.ready.pop(0)
    try:
        if task.shard is None:
            future = pool.submit(list_shards, deployment, task.hour, task.stage)
        else:
            future = pool.submit(run_shard, deployment, task.hour, task.stage, task.shard, task.attempt + 1)
    except BrokenProcessPool as error:
        _retry_all_working(plan, pool, [task], error)
        return
    plan.working[future] = task, time.monotonic()


def _collect(plan: _Plan, pool: Pool | Cluster, future: Future[Any], deployment: Deployment, watcher: Watcher) -> None:
    """Take the result of a finished task: new work, progress, another attempt or StageError."""
    task, _ = plan.working.pop(future)
    try:
        result = future.result()
    except BrokenProcessPool as error:
        _retry_all_working(plan, pool, [task], error)
        return
    except Exception as error:
        _retry(plan, task, error)
        return
    if task.shard is None:
        _plan_shards(plan, task, result, deployment, watcher)
    else:
        watcher.finished(task.stage, task.shard)
    plan.done(task)
    plan.begin_ready_stages()


def _plan_shards(plan: _Plan, task: _Task, shards: list[str], deployment: Deployment, watcher: Watcher) -> None:
    finished = journal.finished_shards(deployment.store, task.hour, task.stage.name)
    todo = [shard for shard in shards if shard not in finished]
    watcher.planned(task.stage, len(shards), len(shards) - len(todo))
    plan.left[task.hour, task.stage.name] += len(todo)
    plan.queue(_Task(task.hour, task.stage, shard) for shard in todo)


def _retry(plan: _Plan, task: _Task, error: Exception) -> None:
    """Queue the task again in front of the others, or give it up if that cannot help."""
    if task.attempt >= task.stage.retries or not isinstance(error, PASSING):
        reason = str(error) or type(error).__name__
        if isinstance(error, BrokenProcessPool):
            reason = "its process died (out of memory?) or took longer than its time limit"
        shard = f", {task.stage.shard_rule} {task.shard!r}" if task.shard else ""
        stops = plan.behind[task.stage.name] and task.stage.name not in SUPPLIERS
        state = "nothing was published" if stops else "the rest was done without it"
        failure = StageError(
            f"{task.hour} stage {task.stage.name}{shard} failed: {reason.splitlines()[0]}; "
            f"{state}; `hourcast resume` continues here"
        )
        failure.__cause__ = error
        if stops:
            raise failure
        plan.failure = plan.failure or failure
        plan.done(task)
        plan.begin_ready_stages()
        return
    time.sleep(_BACKOFF_SECONDS * 2**task.attempt)
    plan.ready.insert(0, _Task(task.hour, task.stage, task.shard, task.attempt + 1))


def _retry_all_working(plan: _Plan, pool: Pool | Cluster, tasks: list[_Task], error: Exception) -> None:
    """A dead process takes its siblings' work along: replace the processes and repeat what they were doing."""
    tasks = [*tasks, *(task for task, _ in plan.working.values())]
    plan.working.clear()
    pool.restart()
    for task in reversed(tasks):
        _retry(plan, task, error)


def _restart_overdue(plan: _Plan, pool: Pool | Cluster) -> None:
    now = time.monotonic()
    if any(now - since > task.stage.timeout_seconds for task, since in plan.working.values()):
        _retry_all_working(plan, pool, [], BrokenProcessPool("timeout"))


def list_shards(deployment: Deployment, hour: Cycle, stage: Stage) -> list[str]:
    """The ordered shards of a stage, as its module says."""
    shards: Callable[[Deployment, Cycle], list[str]] = _step(stage, hour).shards
    return list(shards(deployment, hour))


def run_shard(deployment: Deployment, hour: Cycle, stage: Stage, shard: str, attempt: int = 1) -> None:
    """Run one shard and write its marker, and the hour's bill when it has something to say."""
    step = _step(stage, hour)
    with journal.recorded(deployment.store, hour, stage.name, shard, attempt):
        step.run(deployment, hour, shard)
    if stage.name in bill.WRITTEN_AFTER:
        bill.write(deployment, hour)


def _step(stage: Stage, hour: Cycle) -> ModuleType:
    """The module of a stage, in a process that may have worked for other hours."""
    if known := sys.modules.get("pipeline.steps.runs"):
        known.begin(hour)
    return importlib.import_module(stage.module)
