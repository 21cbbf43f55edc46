"""What `python -m bench` prints: a table a case, and a full hour in a few lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

Record = Mapping[str, Any]


def compared(rows: Sequence[Record]) -> Table:
    """The implementations of a case under each other."""
    table = Table(title=str(rows[0]["name"]), title_justify="left", show_edge=False, pad_edge=False)
    right = ("time", "times ours", "of the limit", "memory")
    for head in ("implementation", *right, "what it does"):
        table.add_column(head, no_wrap=head != "what it does", justify="right" if head in right else "left")
    for row in rows:
        ratio, share, memory = row.get("ratio"), row.get("bandwidth_fraction"), row.get("peak_memory_bytes")
        table.add_row(
            row["implementation"],
            _duration(row["seconds"]),
            "" if ratio is None else f"{ratio:.2f}",
            f"{share:.0%}" if share and share >= 0.01 else "",
            f"{memory / 1e6:.0f} MB" if memory else "",
            _work(row),
        )
    return table


def _work(row: Record) -> str:
    """What a row does and, where it is known of how many bytes, how fast; of an hour where its time goes."""
    if "seconds_by_step" not in row:
        return (
            f"{row['work']}: {row['megabytes'] / row['seconds']:.0f} MB/s" if "megabytes" in row else str(row["work"])
        )
    whole = sum(row["seconds_by_step"].values())
    steps = sorted(row["seconds_by_step"].items(), key=lambda item: -item[1])
    split = ", ".join(f"{step} {seconds / whole:.0%}" for step, seconds in steps if seconds >= 0.01 * whole)
    return f"{row['work']}: {row['output_megabytes_per_second_a_core']:.0f} MB/s of output a core second; {split}"


def full_hour(row: Record) -> list[str]:
    """What a full hour takes, modelled."""
    by_work = ", ".join(f"{name} {minutes:.0f}" for name, minutes in row["core_minutes_by_work"].items())
    traffic = row["traffic"]
    lines = [
        f"hour_full_model: {row['work']}",
        f"  {row['core_minutes']:.0f} core minutes: {by_work}",
        f"  reads {traffic['read_bytes'] / 1e9:.0f} GB in {traffic['gets']:,} requests, "
        f"writes {traffic['written_bytes'] / 1e9:.0f} GB in {traffic['puts']:,}",
    ]
    for minutes in (10, 25):
        cost = row[f"in_{minutes}_minutes"]
        lines.append(
            f"  in {minutes} minutes: {cost['instances']} instances ({cost['vcpu_minutes']} vCPU minutes, bound by "
            f"{cost['bound_by']}), ${cost['compute_dollars']:.2f} and ${cost['request_dollars']:.2f} of requests"
        )
    growth = ", ".join(f"{factor:.2g} with {name}" for name, factor in row["growth"].items())
    return ["\n".join([*lines, f"  core minutes times {growth}"])]


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if seconds < 10 else f"{seconds:.0f} s"
