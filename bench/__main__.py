"""`python -m bench [NAME...]`: time the cases (all, or those named), write build/bench.json and build/bench.svg."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gridpp
from rich.console import Console

from bench import hour, model, picture, tables
from bench.cases import CASES as PIECES
from bench.cases import Timed
from bench.derivation import h_derive
from bench.ensemble import ensemble
from bench.exports import i_export
from bench.measure import Timing, bandwidth, timed
from bench.native_output import j_wrfout, k_mpas
from bench.storage import g_zarr
from pipeline.runner.pool import KEEP_MEMORY

OUT = Path("build/bench.json")
Record = dict[str, Any]
CASES = {
    **PIECES, "g_zarr": g_zarr, "h_derive": h_derive, "i_export": i_export, "j_wrfout": j_wrfout, "k_mpas": k_mpas,
    "ensemble": ensemble,
}  # fmt: skip
HOURS = ("hour_slice", "hour_full_model")


def records_of(name: str, speed: Mapping[str, float]) -> list[Record]:
    """One record an implementation of a case; `ratio` is its time over ours."""
    found: list[tuple[Timed, Timing]] = []
    for case in CASES[name]():
        if case.moved is None:
            found.append((case, timed(case.call)))
        else:
            limit = sum(count / speed[kind] for kind, count in case.moved.items())
            found.append((case, Timing(limit, limit, 0, 0)))
    ours = next(timing for case, timing in found if case.implementation == "hourcast")
    limits = [timing.median for case, timing in found if case.implementation == "bandwidth_limit"]
    gc.collect()
    return [
        {
            "name": name, "implementation": case.implementation, "work": case.work,
            "seconds": round(timing.median, 6), "least_seconds": round(timing.least, 6),
            "ratio": round(timing.median / ours.median, 3),
            "bandwidth_fraction": round(limits[0] / timing.median, 4) if limits else None,
            "peak_memory_bytes": timing.peak_bytes, "runs": timing.runs, **case.more,
        }
        for case, timing in found
    ]  # fmt: skip


def main(names: list[str]) -> int:
    """Run, print a table and write the records; 2 for a name that is no case."""
    unknown = sorted(set(names) - {*CASES, *HOURS})
    if unknown:
        print(f"expected cases out of {', '.join((*CASES, *HOURS))}; found {', '.join(unknown)}", file=sys.stderr)
        return 2
    wanted = names or [*CASES, *HOURS]
    gridpp.set_omp_threads(os.cpu_count() or 1)
    speed = bandwidth()
    machine = {"cores": os.cpu_count(), **{f"{kind}_bytes_per_second": round(value) for kind, value in speed.items()}}
    records: list[Record] = [{"name": "machine", "implementation": "machine", "seconds": 0.0, **machine}]
    console = Console() if sys.stdout.isatty() else Console(width=150)
    for name, measure in _parts(wanted, speed, records):
        with console.status(f"measuring {name}"):
            rows = measure()
        records += rows
        console.print(*(tables.full_hour(rows[0]) if name == "hour_full_model" else [tables.compared(rows)]), "")
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    OUT.with_suffix(".svg").write_text(picture.draw(records), encoding="utf-8")
    console.print(f"Reads {speed['read'] / 1e9:.0f} GB/s on {os.cpu_count()} cores. Wrote {OUT} and its picture, .svg.")
    return 0


def _parts(
    wanted: list[str], speed: Mapping[str, float], records: list[Record]
) -> Iterator[tuple[str, Callable[[], list[Record]]]]:
    """What to measure, in order; the full hour is modelled from the slice, which is measured for it."""
    for name in wanted:
        if name in CASES:
            yield name, lambda name=name: records_of(name, speed)  # type: ignore[misc]
    if {*wanted} & {*HOURS}:
        yield "hour_slice", lambda: hour.hour_slice(speed)
    if "hour_full_model" in wanted:
        measured = next(row for row in records if (row["name"], row["implementation"]) == ("hour_slice", "hourcast"))
        yield "hour_full_model", lambda: model.hour_full_model(measured)


if __name__ == "__main__":
    if not KEEP_MEMORY.items() <= os.environ.items():  # as the workers have it from their start
        os.execve(sys.executable, [sys.executable, "-m", "bench", *sys.argv[1:]], os.environ | KEEP_MEMORY)
    sys.exit(main(sys.argv[1:]))
