"""`python -m bench [NAME...]`: time the cases (all, or those named) and write build/bench.json."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

import gridpp
from rich.console import Console
from rich.table import Table

from bench.cases import CASES, Timed
from bench.measure import bandwidth, median_seconds

OUT = Path("build/bench.json")


def records_of(name: str, speed: dict[str, float]) -> list[dict[str, object]]:
    """One record an implementation of a case; `ratio` is its time over ours."""
    found: list[tuple[Timed, float, int]] = []
    for timed in CASES[name]():
        if timed.moved is None:
            found.append((timed, *median_seconds(timed.call)))
        else:
            found.append((timed, sum(count / speed[kind] for kind, count in timed.moved.items()), 0))
    ours = next(seconds for timed, seconds, _ in found if timed.implementation == "hourcast")
    gc.collect()
    return [
        {
            "name": name, "implementation": timed.implementation, "work": timed.work, "seconds": round(seconds, 6),
            "ratio": round(seconds / ours, 3), "runs": runs,
        }
        for timed, seconds, runs in found
    ]  # fmt: skip


def main(names: list[str]) -> int:
    """Run, print a table and write the records; 2 for a name that is no case."""
    unknown = sorted(set(names) - set(CASES))
    if unknown:
        print(f"expected cases out of {', '.join(CASES)}; found {', '.join(unknown)}", file=sys.stderr)
        return 2
    gridpp.set_omp_threads(os.cpu_count() or 1)
    speed = bandwidth()
    machine = {"cores": os.cpu_count(), **{f"{kind}_bytes_per_second": round(value) for kind, value in speed.items()}}
    records: list[dict[str, object]] = [{"name": "machine", "implementation": "machine", "seconds": 0.0, **machine}]
    title = f"721 x 1440, {os.cpu_count()} cores, reads {speed['read'] / 1e9:.0f} GB/s, medians"
    table = Table(title=title)
    for head in ("case", "implementation", "ms", "times ours", "what it does"):
        table.add_column(head, no_wrap=True, justify="right" if head in ("ms", "times ours") else "left")
    for name in names or CASES:
        rows = records_of(name, speed)
        records += rows
        for row in rows:
            milliseconds = f"{1000 * float(str(row['seconds'])):.1f}"
            table.add_row(name, str(row["implementation"]), milliseconds, str(row["ratio"]), str(row["work"]))
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    console = Console()
    (console if console.is_terminal else Console(width=140)).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
