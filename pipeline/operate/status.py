"""What `hourcast status` shows: the last hours, what became of each, and the stages of one along the clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline import journal, paths
from pipeline.cost import dollars_a_member, read_prices
from pipeline.cycle import Cycle
from pipeline.operate import latest_hour, open_deployment
from pipeline.runner import bill
from pipeline.stages import BUDGET_SECONDS, PUBLICATION, STAGES
from pipeline.store import Store

SHOWN_HOURS = 12
WIDTH = 100
_BAR_WIDTH = 24


def show_status(config: Path, cycle: str | None) -> None:
    """Print the last hours and the stages of the newest, or the stages of one hour."""
    store = open_deployment(config).store
    hours = [Cycle.parse(cycle)] if cycle else journal.hours(store)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    if not hours:
        console.print(f"No hour has been begun in {store.url}.")
        return
    if not cycle:
        console.print(hours_table(store, hours[-SHOWN_HOURS:]))
        console.print(f"{len(hours)} hours have been begun; `--cycle HOUR` shows another than the last.")
    show_hour(console, store, hours[-1])


def hours_table(store: Store, hours: Sequence[Cycle]) -> Table:
    """A line an hour: when it was published, whether late, what it did without, what was repeated, its cost."""
    columns = ("hour", "state", "published after", "degradations", "repeated", "$")
    table = Table(*columns, title="the last hours", title_justify="left")
    newest = latest_hour(store) if store.exists(paths.LATEST) else None
    for hour in hours:
        made, degradations = bill.read(store, hour), _degradations(store, hour)
        told = None if degradations is None else len(degradations)
        table.add_row(
            str(hour), _state(store, hour, newest), _publication(store, hour), _count(told),
            _count(made.get("repeated_shards") if made else None), f"{made['dollars']:.2f}" if made else "",
        )  # fmt: skip
    return table


def _state(store: Store, hour: Cycle, newest: Cycle | None) -> str:
    state = "finished" if journal.is_finished(store, hour) else "begun"
    return f"{state}, latest published" if hour == newest else state


def _publication(store: Store, hour: Cycle) -> str:
    """How long after its start an hour was published, and whether that was late; empty if it was not."""
    ends = [datetime.fromisoformat(entry.finished) for entry in journal.entries(store, hour, PUBLICATION)]
    if not ends:
        return ""
    after = max(ends) - hour.init_time.replace(tzinfo=UTC)
    told = f"{after.days} days" if after >= timedelta(days=1) else f"{after.total_seconds() / 60:.0f} min"
    return f"{told}, late" if after.total_seconds() > BUDGET_SECONDS else told


def _degradations(store: Store, hour: Cycle) -> list[str] | None:
    """What a published hour did without, in sentences; None if it is not published."""
    manifest = paths.forecast(hour, "manifest.json")
    return list(json.loads(store.read(manifest))["degradations"]) if store.exists(manifest) else None


def _count(found: int | None) -> str:
    return "" if found is None else str(found)


def show_hour(console: Console, store: Store, hour: Cycle) -> None:
    """Print the stages of an hour along the clock, what it did without, and its bill."""
    entries = journal.entries(store, hour)
    title = f"{hour}: {_state(store, hour, latest_hour(store) if store.exists(paths.LATEST) else None)}"
    columns = ("stage", "shards", "seconds", "computing", "repeated", "timeline", "ended")
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, no_wrap=True)
    spans = [_span([entry]) for entry in entries]
    whole = (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None
    for stage in STAGES:
        done = [entry for entry in entries if entry.stage == stage.name]
        table.add_row(stage.name, *(_cells(done, whole) if done and whole else ["-"]))
    console.print(table)
    for sentence in _degradations(store, hour) or []:
        console.print(f"degraded: {sentence}", highlight=False)
    if found := bill.read(store, hour):
        console.print(bill_line(found), highlight=False)
    if jobs := journal.jobs(store, hour):
        console.print(jobs_table(jobs))


def _cells(done: Sequence[journal.Entry], whole: tuple[datetime, datetime]) -> list[str]:
    """Of a stage: shards, their seconds, repeated ones, the time in which they ran within the hour's, the last end."""
    seconds, computing = sum(entry.seconds for entry in done), sum(entry.cpu_seconds for entry in done)
    repeated = sum(entry.attempt > 1 for entry in done)
    start, end = _span(done)
    scale = _BAR_WIDTH / max(1.0, (whole[1] - whole[0]).total_seconds())
    first, last = (round((when - whole[0]).total_seconds() * scale) for when in (start, end))
    bar = " " * min(first, _BAR_WIDTH - 1) + "━" * max(1, last - first)
    return [str(len(done)), f"{seconds:.1f}", f"{computing:.1f}", str(repeated or "-"), bar, f"{end:%m-%d %H:%M:%S}"]


def _span(entries: Sequence[journal.Entry]) -> tuple[datetime, datetime]:
    """When the first of some shards began and the last ended, UTC."""
    ends = [datetime.fromisoformat(entry.finished) for entry in entries]
    starts = [end - timedelta(seconds=entry.seconds) for end, entry in zip(ends, entries, strict=True)]
    return min(starts), max(ends)


def bill_line(found: Mapping[str, Any]) -> str:
    """What a written bill comes to."""
    return (
        f"bill in {found['region']}: ${found['dollars']:.2f}, {found['kilowatt_hours']:.3g} kWh, "
        f"{found['co2e_grams']:.3g} g CO2e, {sum(found['requests'].values()):,} requests, "
        f"{sum(found['bytes'].values()) / 1e9:.3g} GB moved; `hourcast cost --cycle` has it in full"
    )


def jobs_table(jobs: Sequence[journal.Job]) -> Table:
    """How the jobs of an hour's ensemble have used their machines, and what a member costs."""
    prices = read_prices("us-east-1")
    columns = ("members", "device", "steps/s", "busy", "host MiB", "device MiB", "$ each")
    table = Table(*columns, title="the ensemble made here: member-steps a second, list price of a member")
    for job in jobs:
        dollars = dollars_a_member(job, prices)
        pace, busy = f"{job.member_steps / job.seconds:.1f}", f"{job.busy / job.seconds:.0%}"
        memory = f"{job.host_mib:.0f}", f"{job.device_mib:.0f}"
        table.add_row(job.shard, job.device, pace, busy, *memory, "-" if dollars is None else f"{dollars:.2g}")
    return table
