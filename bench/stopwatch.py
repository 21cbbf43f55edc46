"""Where the time of real code goes: functions wrapped from outside, each of the thread's own seconds counted once.

The thread's own, for a neighbour on the machine must not make one step look dearer than another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from time import thread_time
from typing import Any
from unittest.mock import patch


class Stopwatch(AbstractContextManager["Stopwatch"]):
    """While entered, counts the seconds of wrapped functions under their label, less those of wrapped ones within."""

    def __init__(self, rest: str) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._rest = rest
        self._patches = ExitStack()
        self._labels: list[str] = []
        self._since = 0.0

    def wrap(self, owner: Any, name: str, label: str, seen: Callable[..., None] | None = None) -> None:
        """Count calls of `owner.name` under `label`; `seen` is shown the arguments."""
        inner = getattr(owner, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            if seen is not None:
                seen(*arguments)
            self._turn_to(label)
            try:
                return inner(*arguments, **named)
            finally:
                self._labels.pop()
                self._count(label)

        self._patches.enter_context(patch.object(owner, name, counted))

    def __enter__(self) -> Stopwatch:
        self._since = thread_time()
        return self

    def __exit__(self, *error: object) -> None:
        self._count(self._rest)
        self._patches.close()

    def _turn_to(self, label: str) -> None:
        self._count(self._labels[-1] if self._labels else self._rest)
        self._labels.append(label)

    def _count(self, label: str) -> None:
        now = thread_time()
        self.seconds[label] += now - self._since
        self._since = now
