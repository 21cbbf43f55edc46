"""The embedded model as a job of a cluster: `python -m models.core_job FOLDER` runs what `chain.json` there asks for.

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
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.core_run import CoreRun
from models.dycore import SpeedyModel, shipped_restart

_TIME = "%Y%m%dT%H"


def time_of(path: Path) -> datetime:
    """The valid time of a state or of a restart file."""
    return datetime.strptime(path.name.split(".")[1], _TIME)


def execute(folder: Path) -> None:
    """Run until the end, from wherever an earlier attempt was interrupted."""
    run = CoreRun.model_validate(json.loads((folder / "chain.json").read_text())["run"])
    start, restart = run.start, shipped_restart()
    if restarts := sorted(folder.glob("restart.*.npz"), key=time_of):
        start, restart = time_of(restarts[-1]), restarts[-1].read_bytes()
    if start < run.end:
        _integrate(folder, run, start, restart)
    print("SUCCESS COMPLETE CORE", flush=True)


def _integrate(folder: Path, run: CoreRun, start: datetime, restart: bytes) -> None:
    model = SpeedyModel(start, restart, truncation=run.truncation)
    _write(folder / "grid.npz", {"latitude": model.latitude, "longitude": model.longitude})
    while model.start < run.end:
        began = time.perf_counter()
        for when, fields in model.run(model.start, run.restart_hours, every_hours=run.every_hours):
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
