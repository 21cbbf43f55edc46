"""Progress of a run for people: a bar a stage on a terminal, a line a stage elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pipeline.stages import Stage


class ProgressWatcher:
    """A watcher of `runner.run` that shows each stage's shards; several hours of one stage share a bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}

    def planned(self, stage: Stage, shards: int, already_done: int) -> None:
        """Widen the stage's bar."""
        self._began.setdefault(stage.name, monotonic())
        bar = self._bars.setdefault(stage.name, self._progress.add_task(stage.name, total=0))
        task = next(task for task in self._progress.tasks if task.id == bar)
        self._progress.update(bar, total=(task.total or 0) + shards)
        self._advance(stage, already_done)

    def finished(self, stage: Stage, shard: str) -> None:
        """Move the stage's bar on by one."""
        self._advance(stage, 1)

    def _advance(self, stage: Stage, count: int) -> None:
        bar = self._bars[stage.name]
        self._progress.advance(bar, count)
        task = next(task for task in self._progress.tasks if task.id == bar)
        if task.finished and not self._progress.console.is_terminal:
            seconds = monotonic() - self._began[stage.name]
            self._progress.console.print(f"{stage.name}: {task.total:.0f} done in {seconds:.1f} s", highlight=False)


@contextmanager
def watched(title: str) -> Iterator[ProgressWatcher]:
    """Show progress on stderr while the block runs."""
    console = Console(stderr=True)
    console.print(title, highlight=False)
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield ProgressWatcher(progress)
