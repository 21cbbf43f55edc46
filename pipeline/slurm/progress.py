"""Will the model make it? Decided from the pace that its own log tells of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.progress import Progress


@dataclass(frozen=True)
class Decision:
    """Whether the hour waits for the run, and why, in one line."""

    wait: bool
    reason: str


def decide(now: Progress | None, end: datetime, left: timedelta, *, tolerated: int = 100) -> Decision:
    """Whether a run that must reach `end` makes it in the time `left`, at the speed it has had.

    A run that has not begun to step is waited for while there is time; one with more than `tolerated` warnings of
    instability is not waited for.
    """
    if left <= timedelta(0):
        return Decision(False, "the deadline has passed")
    if now is None or now.wall <= 0:
        return Decision(True, "no step is done yet")
    if now.unstable > tolerated:
        return Decision(False, f"{now.unstable} warnings of instability up to {now.reached:%Y-%m-%dT%H:%M}")
    speed = now.simulated / now.wall
    needed = timedelta(seconds=(end - now.reached).total_seconds() / speed)
    words = f"{needed.total_seconds():.0f} s to go at {speed:.0f} times the weather's pace"
    return Decision(needed <= left, f"{words}, {left.total_seconds():.0f} s left")
