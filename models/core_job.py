"""The embedded model as a job of a cluster: `python -m models.core_job FOLDER` runs what `run.json` there asks for.

It goes on from the newest restart file, writes the states of a segment before the segment's restart file, and begins
every segment from that file even if nothing went wrong: so a run that lost its node ends with the same bytes.
Its log has WRF's lines of timing.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.dycore import RESTART_TIME, SpeedyModel, shipped_restart

_TIME = "%Y%m%dT%H"


@dataclass(frozen=True)
class CoreRun:
    """A run from the shipped state: `hours` long, a state every `every_hours`, a restart file every `segment_hours`."""

    hours: int
    every_hours: int
    segment_hours: int


def prepare(folder: Path, run: CoreRun) -> None:
    """Write what the job reads; ValueError if states, segments and the run do not divide each other."""
    if run.hours < 1 or run.hours % run.segment_hours or run.segment_hours % run.every_hours:
        raise ValueError(f"expected hours in whole segments, and segments in whole steps between states; found {run}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(asdict(run)))


def state_files(folder: Path) -> dict[datetime, Path]:
    """The states written so far, by valid time."""
    return _files(folder, "state")


def _files(folder: Path, kind: str) -> dict[datetime, Path]:
    found = {datetime.strptime(path.name.split(".")[1], _TIME): path for path in folder.glob(f"{kind}.*.npz")}
    return dict(sorted(found.items()))


def execute(folder: Path) -> None:
    """Run until the end, from wherever an earlier attempt was interrupted."""
    run = CoreRun(**json.loads((folder / "run.json").read_text()))
    end = RESTART_TIME + timedelta(hours=run.hours)
    start, restart = RESTART_TIME, shipped_restart()
    if restarts := _files(folder, "restart"):
        start = max(restarts)
        restart = restarts[start].read_bytes()
    if start >= end:
        return
    model = SpeedyModel(start, restart)
    _write(folder / "grid.npz", {"latitude": model.latitude, "longitude": model.longitude})
    while model.start < end:
        began = time.perf_counter()
        for when, fields in model.run(model.start, run.segment_hours, every_hours=run.every_hours):
            _write(folder / f"state.{when:{_TIME}}.npz", fields)
        restart = _write(folder / f"restart.{model.start:{_TIME}}.npz", model.restart())
        model.go_on_from(restart)
        seconds = time.perf_counter() - began
        stamp = f"{model.start:%Y-%m-%d_%H:%M:%S}"
        print(f"Timing for main: time {stamp} on domain   1: {seconds:10.5f} elapsed seconds", flush=True)


def _write(path: Path, arrays: Mapping[str, NDArray[np.floating]]) -> bytes:
    """The file's bytes; it appears whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    part = path.with_suffix(".part")
    part.write_bytes(buffer.getvalue())
    os.replace(part, path)
    return buffer.getvalue()


if __name__ == "__main__":
    execute(Path(sys.argv[1]))
