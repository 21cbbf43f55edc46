"""What `hourcast nests` does: the plan of fine runs for an hour's hazards, as a table."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.operate import latest_hour, open_deployment

FEWEST = 10
"""Candidates shown, the most worth a dollar first; those to be started are shown anyway."""


def show_plan(config: Path, cycle: str | None) -> None:
    """Print the plan of an hour; FileNotFoundError if none was made."""
    deployment = open_deployment(config)
    hour = Cycle.parse(cycle) if cycle else latest_hour(deployment.store)
    if not deployment.store.exists(paths.nests(hour)):
        raise FileNotFoundError(
            f"no plan of nests for {hour}; give `nests: {{budget_dollars: 100}}` in the configuration, and run the hour"
        )
    plan = json.loads(deployment.store.read(paths.nests(hour)))
    title = f"Fine runs for the hazards of {'SYNTHETIC ' if plan['synthetic'] else ''}{hour}"
    table = Table(
        "run", "km² expected to be hit", "leads", "3 km domain", "nodes", "hours", "$", "decision", title=title
    )
    shown = [one for place, one in enumerate(plan["candidates"]) if one["start"] or place < FEWEST]
    for one in shown:
        run = one["run"]
        where = f"{run['nx']} x {run['ny']} at {run['centre_latitude']:.1f} N {run['centre_longitude']:.1f} E"
        hit = "\n".join(f"{name} {area:,}" for name, area in one["hazards"].items())
        leads = "{}-{}".format(*one["lead_hours"])
        numbers = str(one["nodes"]), f"{one['hours'][0]:.2f}", f"{one['dollars'][0]:.2f}"
        style = "green" if one["start"] else "dim"
        table.add_row(one["name"].partition("-")[2], hit, leads, where, *numbers, one["decision"], style=style)
    console = Console()
    console.print(table)
    left_out = len(plan["candidates"]) - len(shown)
    if left_out:
        console.print(f"{left_out} more are in {paths.nests(hour)}, all left.", highlight=False)
    if plan["unknown"]:
        console.print(f"Not known from this hour's ensembles: {', '.join(plan['unknown'])}.", highlight=False)
