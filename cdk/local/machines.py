"""The few machines of the local Batch, shared among lanes as a fair-share queue does."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch


@dataclass(frozen=True, eq=False)
class _Job:
    lane: str
    weight: float


class Machines:
    """`count` machines; the next free one goes to the waiting job whose lane has least, each counted by its weight."""

    def __init__(self, count: int, weights: Mapping[str, float]) -> None:
        self._free, self._weights = count, weights
        self._waiting: list[_Job] = []
        self._running: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def one(self, lane: str) -> Iterator[None]:
        """Wait for a machine and have it for the block; KeyError for a lane that nobody has given a weight."""
        job = _Job(lane, self._weight(lane))
        with self._changed:
            self._waiting.append(job)
            self._changed.wait_for(lambda: self._free > 0 and self._next() is job)
            self._waiting.remove(job)
            self._take(lane, 1)
        try:
            yield
        finally:
            with self._changed:
                self._take(lane, -1)

    def _take(self, lane: str, count: int) -> None:
        self._free -= count
        self._running[lane] += count
        self._changed.notify_all()

    def _next(self) -> _Job:
        """Of equals the one that came first."""
        return min(self._waiting, key=lambda job: (self._running[job.lane] + 1) * job.weight)

    def _weight(self, lane: str) -> float:
        for pattern, weight in self._weights.items():
            if fnmatch(lane, pattern):
                return weight
        raise KeyError(f"no share {lane!r}; there are {', '.join(self._weights)}")
