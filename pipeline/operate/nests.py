"""What `hourcast nests` does: the plan of fine runs for an hour's hazards, as a table; runs made of what it chose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from models.chain import JOB, Job
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.operate import latest_hour, open_deployment
from pipeline.steps import Deployment

FEWEST = 10
"""Candidates shown, the most worth a dollar first; those to be started are shown anyway."""


def read_plan(config: Path, cycle: str | None) -> tuple[Deployment, Cycle, dict[str, Any]]:
    """The plan of an hour; FileNotFoundError if none was made."""
    deployment = open_deployment(config)
    hour = Cycle.parse(cycle) if cycle else latest_hour(deployment.store)
    if not deployment.store.exists(paths.nests(hour)):
        raise FileNotFoundError(
            f"no plan of nests for {hour}; give `nests: {{budget_dollars: 100}}` in the configuration, and run the hour"
        )
    return deployment, hour, json.loads(deployment.store.read(paths.nests(hour)))


def prepare_chosen(config: Path, cycle: str | None, folder: Path, places: Mapping[str, str], *, submit: bool) -> None:
    """Prepare each run that the plan chose in a folder of its own, and submit it if asked for: each once.

    places: where programs, data and image are, as in the description of a run (docs/physics.md).
    """
    from pipeline import physics

    deployment, hour, plan = read_plan(config, cycle)
    chosen = [one for one in plan["candidates"] if one["chosen"]]
    for one in chosen:
        place = folder / one["name"]
        if not (place / JOB).exists():
            job = physics.job_of({"model": "wrf", "domain": _short(one), "run": one["run"], **places})
            physics.prepare(deployment, job, place)
        if submit and not (place / physics.JOBS).exists():
            physics.submit(Job.read(place), place, config)
        jobs = physics.jobs_of(place) if (place / physics.JOBS).exists() else {}
        print(f"{place}: " + (", ".join(f"{step} is job {number}" for step, number in jobs.items()) or "prepared"))
    if not chosen:
        print(f"the plan of {hour} chooses none")


def show_plan(config: Path, cycle: str | None) -> None:
    """Print the plan of an hour."""
    _, hour, plan = read_plan(config, cycle)
    title = f"Fine runs for the hazards of {'SYNTHETIC ' if plan['synthetic'] else ''}{hour}"
    table = Table("run", "expected to be hit", "leads", "3 km domain", "nodes", "hours", "$", title=title, box=SIMPLE)
    shown = [one for place, one in enumerate(plan["candidates"]) if one["chosen"] or place < FEWEST]
    for one in shown:
        run = one["run"]
        centre = _degrees(run["centre_latitude"], "NS"), _degrees(run["centre_longitude"], "EW")
        hit = "\n".join(f"{name} {area:,} km²" for name, area in one["hazards"].items())
        leads = "{}-{}".format(*one["lead_hours"])
        numbers = str(one["nodes"]), f"{one['hours'][0]:.2f}", f"{one['dollars'][0]:.2f}"
        where = f"{run['nx']} x {run['ny']}\n{' '.join(centre)}"
        table.add_row(_short(one), hit, leads, where, *numbers, style="green" if one["chosen"] else "dim")
    console = Console(highlight=False)
    console.print(table, *(f"{_short(one)} {one['decision']}" for one in shown), sep="\n")
    left_out = len(plan["candidates"]) - len(shown)
    if left_out:
        console.print(f"{left_out} more are in {paths.nests(hour)}, all left.")
    if plan["unknown"]:
        console.print(f"Not known from this hour's ensembles: {', '.join(plan['unknown'])}.")


def _short(candidate: Mapping[str, Any]) -> str:
    """The name of a run without its hour."""
    return str(candidate["name"].partition("-")[2])


def _degrees(value: float, sides: str) -> str:
    return f"{abs(value):.1f} {sides[value < 0]}"
