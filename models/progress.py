"""Where a physics model stands: simulated and wall time, and whether it is still stable, from its own log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Model = Literal["wrf", "mpas", "ww3", "core"]
Step = Literal["pre", "run", "post"]
"""Of a model's chain: what prepares the run, the run itself, what makes files of its output."""

_SECONDS = r"(?P<seconds>\d+\.\d+(?:[Ee][+-]?\d+)?)"
_STEP: dict[Model, re.Pattern[str]] = {
    "wrf": re.compile(rf"Timing for main.*time (?P<time>\S+) on domain\s+1:\s+{_SECONDS} elapsed"),
    "mpas": re.compile(r"Begin timestep\s+(?P<time>\S+)"),
    "ww3": re.compile(r"calculating for (?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)"),
    "core": re.compile(rf"Timing for main.*time (?P<time>\S+) on domain\s+1:\s+{_SECONDS} elapsed"),
}
_WALL: dict[Model, re.Pattern[str]] = {
    "wrf": re.compile(rf"Timing for Writing.*for domain\s+1:\s+{_SECONDS} elapsed"),
    "mpas": re.compile(rf"Timing for integration step:\s+{_SECONDS}"),
}
_UNSTABLE: dict[Model, re.Pattern[str]] = {
    "wrf": re.compile(r"points exceeded (?:cfl|v_cfl)", re.IGNORECASE),
    "mpas": re.compile(r"NaN detected|CRITICAL ERROR"),
}
_FORMATS = ("%Y-%m-%d_%H:%M:%S", "%Y/%m/%d %H:%M:%S")


@dataclass(frozen=True)
class Progress:
    """Where a run is: `simulated` seconds since its first step took `wall` seconds; `unstable` warnings so far."""

    reached: datetime
    simulated: float
    wall: float
    unstable: int


def progress(model: Model, log: Iterable[str], wall_seconds: float | None = None) -> Progress | None:
    """What a log tells; None before the second step.

    wall_seconds: how long the run has lasted, for a model whose log has no timings (WAVEWATCH III).
    A time that is not after the one before begins a new attempt, which alone counts.
    """
    times: list[datetime] = []
    wall, unstable = 0.0, 0
    for line in log:
        if step := _STEP[model].search(line):
            now = _time(step["time"])
            if times and now <= times[-1]:
                times, wall, unstable = [], 0.0, 0
            # The first step has the start-up in it and no beginning to count from.
            wall += float(step.groupdict().get("seconds") or 0) if times else 0
            times.append(now)
        elif times and model in _WALL and (other := _WALL[model].search(line)):
            wall += float(other["seconds"])
        elif model in _UNSTABLE and _UNSTABLE[model].search(line):
            unstable += 1
    if len(times) < 2:
        return None
    return Progress(times[-1], (times[-1] - times[0]).total_seconds(), wall_seconds or wall, unstable)


def _time(text: str) -> datetime:
    for form in _FORMATS:
        try:
            return datetime.strptime(text[:19], form)
        except ValueError:
            continue
    raise ValueError(f"expected a time such as 2026-01-31_06:00:00; found {text!r}")
