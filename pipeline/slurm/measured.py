"""The embedded core's own speed on this machine, on one processor and on more: measurements as a cluster's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.progress import progress
from pipeline.slurm.scaling import COLUMNS, SIMULATED

CASE = "core_here"
INSTANCE = "processor here"
CORE_HOUR_DOLLARS = 7.20 / 192
"""Of hpc7a.96xlarge, to have a price; list price in us-east-2."""
SEGMENTS = 5
"""Of a run, the first of which has the start-up in it."""
SEGMENT_HOURS = 24
LEAST_UNCERTAINTY = 0.02


def measure(processors: Sequence[int], *, segments: int = SEGMENTS, segment_hours: int = SEGMENT_HOURS) -> pd.DataFrame:
    """Run the core at T42 on each number of processors in turn; rows as `scaling.read_measurements` gives them.

    The uncertainty of a speed is that of the mean over the segments of its run, three or more. ValueError if the
    machine has fewer processors, or no core.
    """
    usable = sorted(os.sched_getaffinity(0))
    if not processors or not 1 <= min(processors) <= max(processors) <= len(usable):
        raise ValueError(f"expected 1 to {len(usable)} processors, as there are here; found {list(processors)}")
    rows = []
    for number in processors:
        speeds = _speeds(usable[:number], segments, segment_hours)
        spread = float(speeds.std(ddof=1) / speeds.mean() / np.sqrt(len(speeds)))
        uncertainty = max(spread, LEAST_UNCERTAINTY)
        speed, source = 1 / float((1 / speeds).mean()), f"embedded core at T42, {len(speeds)} times {segment_hours} h"
        rows.append((CASE, SIMULATED, INSTANCE, number, speed, uncertainty, CORE_HOUR_DOLLARS, "", source))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _speeds(processors: Sequence[int], segments: int, hours: int) -> NDArray[np.float64]:
    """Simulated hours an hour of each segment but the first, of a run that may use these processors only."""
    run = {"restart_hours": hours, "history_minutes": 360, "truncation": 42, "hours": segments * hours}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "chain.json").write_text(json.dumps({"run": run}))
        done = subprocess.run(
            [sys.executable, "-m", "models.core_job", folder], capture_output=True, text=True, check=False,
            preexec_fn=partial(os.sched_setaffinity, 0, processors),
        )  # fmt: skip
    if done.returncode:
        raise ValueError(f"the core did not run: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith("Timing for main")]
    walls = [known.wall for n in range(2, len(lines) + 1) if (known := progress("core", lines[:n])) is not None]
    return hours * 3600 / np.diff([0.0, *walls])
