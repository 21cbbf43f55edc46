"""`python -m bench [NAME...]`: time the cases (all, or those named), write build/bench.json and build/bench.svg."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gridpp
from rich.console import Console
from rich.table import Table

from bench import hour, model, picture
from bench.cases import CASES as PIECES
from bench.cases import Timed
from bench.measure import Timing, bandwidth, timed
from bench.storage import g_zarr

OUT = Path("build/bench.json")
Record = dict[str, Any]
CASES = {**PIECES, "g_zarr": g_zarr}
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
    for part in _parts(wanted, speed):
        with console.status("measuring"):
            rows = part()
        records += rows
        console.print(_table(rows))
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    OUT.with_suffix(".svg").write_text(picture.draw(records), encoding="utf-8")
    console.print(f"Reads {speed['read'] / 1e9:.0f} GB/s on {os.cpu_count()} cores. Wrote {OUT} and its picture, .svg.")
    return 0


def _parts(wanted: list[str], speed: Mapping[str, float]) -> list[Callable[[], list[Record]]]:
    """What to measure, in order."""
    parts: list[Callable[[], list[Record]]] = [
        lambda name=name: records_of(name, speed)  # type: ignore[misc]
        for name in wanted
        if name in CASES
    ]
    if "hour_full_model" in wanted:
        return [*parts, lambda: _hour_and_model(speed)]
    return [*parts, lambda: hour.hour_slice(speed)] if "hour_slice" in wanted else parts


def _hour_and_model(speed: Mapping[str, float]) -> list[Record]:
    measured = hour.hour_slice(speed)
    return [*measured, *model.hour_full_model(measured[0])]


def _table(rows: list[Record]) -> Table:
    table = Table(title=str(rows[0]["name"]), title_justify="left", show_edge=False, pad_edge=False)
    right = ("time", "times ours", "of the limit", "memory")
    for head in ("implementation", *right, "what it does"):
        table.add_column(head, no_wrap=True, justify="right" if head in right else "left")
    for row in rows:
        ratio, share, memory = row.get("ratio"), row.get("bandwidth_fraction"), row.get("peak_memory_bytes")
        table.add_row(
            row["implementation"],
            _duration(row["seconds"]),
            "" if ratio is None else f"{ratio:.2f}",
            "" if share is None else f"{share:.0%}",
            f"{memory / 1e6:.0f} MB" if memory else "",
            row["work"],
        )
    return table


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if seconds < 10 else f"{seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
