"""The demo: build the embedded world, forecast its live hour, let time pass, score the forecast, show it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, resources
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import blended, parameter
from pipeline.pool import Cluster, Pool, workers
from pipeline.progress import watched
from pipeline.runner import run
from pipeline.stages import STAGES
from pipeline.steps import Deployment

HOUR = Cycle.parse("2025-09-05T00")
"""The live hour of the embedded world: a month after its nature run begins, with a tropical cyclone about."""

_PAST_DAYS = 8  # hours scored beside the live one, none of them learnt from before it was scored
_INTERVAL_HOURS = 6  # an analysis verifies sums and extremes by the first hours of its short forecast
_SCOREBOARD_WIDTH = 100
_SYSTEMS = ("best_source", "equal_weights", "inverse_mse", "hourcast")
_SHOWN = (
    "temperature_2m", "dew_point_temperature_2m", "wind_speed_10m", "pressure_at_sea_level", "precipitation",
    "significant_wave_height",
)  # fmt: skip
_MODULES = (*(stage.module for stage in STAGES), "pipeline.products.report")


def demo(folder: Path) -> None:
    """Leave `store/`, `report.html` and `scores.json` of the embedded world's live hour in `folder`."""
    began = time.monotonic()
    console = Console(stderr=True)
    deployment = Deployment.open(write_configuration(folder))
    build_world(folder / "world", deployment.config.workers)
    ready = time.monotonic()
    with workers(deployment.config.workers, _MODULES) as pool:
        with watched(f"SYNTHETIC hour {HOUR} into {deployment.config.store}") as watcher:
            run(deployment, [HOUR], pool, watcher)
        console.print("Five days pass, and their analyses come in: scoring", highlight=False)
        let_time_pass(deployment, pool)
        pool.submit(write_results, deployment, folder).result()
    scores = json.loads((folder / "scores.json").read_text())
    Console(width=max(Console().width, _SCOREBOARD_WIDTH)).print(scoreboard(scores))
    seconds = (ready - began, time.monotonic() - ready)
    console.print(f"World {seconds[0]:.0f} s, hour {seconds[1]:.0f} s. Open {folder / 'report.html'}", highlight=False)


def write_configuration(folder: Path) -> Path:
    """The demo's forecast.yaml with its paths below `folder`, written there."""
    text = resources.files("pipeline").joinpath("demo.yaml").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "forecast.yaml"
    path.write_text(text.replace("file://build/demo/", f"file://{folder}/"), encoding="utf-8")
    return path


def build_world(root: Path, size: int) -> None:
    """Write the embedded world below `root`, unless it is there, with progress bars."""
    from pipeline.world.build import build

    with _bars() as report:
        build(root, hour=HOUR, workers=size, progress=report)


@contextmanager
def _bars() -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=total)
                if not console.is_terminal:
                    console.print(f"World: {name}", highlight=False)
            progress.update(bars[name], completed=done, total=total)

        yield report


def let_time_pass(deployment: Deployment, pool: Pool | Cluster) -> None:
    """Ingest the analyses that verify the live hour, then score it as an hour after the last of them would."""
    from pipeline.sources import SOURCES

    names = [name for name in deployment.config.sources if SOURCES[name].role == "analysis"]
    for future in [pool.submit(ingest_truth, deployment, name) for name in names]:
        future.result()
    reports = pool.submit(verify_stations, deployment)
    jobs = {name: pool.submit(verify, deployment, name) for name in dict.fromkeys((*_SHOWN, *blended()))}
    parts = [jobs[name].result() for name in blended()]
    import_module("pipeline.steps.verify").write(deployment, HOUR, parts)
    reports.result()


def ingest_truth(deployment: Deployment, name: str) -> None:
    """Bring in the runs of one analysis that verify the live hour's leads."""
    from pipeline.sources import SOURCES
    from pipeline.steps.ingest import ingest_source

    for lead in deployment.config.learning.lead_hours:
        for cycle, native in ((HOUR + lead, 0), (HOUR + lead - _INTERVAL_HOURS, _INTERVAL_HOURS)):
            ingest_source(deployment, SOURCES[name], cycle, [native])


def verify(deployment: Deployment, name: str) -> Any:
    """Score one parameter of the live hour once every valid time has passed, the shown ones with the week before."""
    step = import_module("pipeline.steps.verify")
    inputs = import_module("pipeline.steps.inputs")
    last = max(deployment.config.learning.lead_hours)
    past = [HOUR - 24 * day for day in range(_PAST_DAYS, 0, -1)] if name in _SHOWN else []
    return step.score_parameter(deployment, name, HOUR, HOUR + last + inputs.truth_delay_hours(deployment), past)


def verify_stations(deployment: Deployment) -> None:
    """Take in the stations' reports at the leads that are scored, and score the live hour against them."""
    observe = import_module("pipeline.steps.observe")
    leads = deployment.config.learning.lead_hours
    for lead in leads:
        observe.run(deployment, HOUR + lead, "all")
    import_module("pipeline.steps.verify").write_stations(deployment, HOUR, HOUR + max(leads))


def write_results(deployment: Deployment, folder: Path) -> None:
    """Write scores.json and report.html of the live hour into `folder`."""
    from pipeline.products.report import write_report

    (folder / "scores.json").write_bytes(deployment.store.read(paths.scores(HOUR, "scores.json")))
    write_report(deployment.store, HOUR, folder / "report.html", places=deployment.config.places)


def scoreboard(records: list[dict[str, Any]]) -> Table:
    """RMSE of the blend and of what it must beat, by parameter and lead, the smallest marked."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    for record in records:
        found.setdefault((record["parameter"], record["lead_time_hours"]), {})[record["system"]] = record["rmse"]
    rows = {key: found[key] for name in _SHOWN for key in sorted(found) if key[0] == name and "hourcast" in found[key]}
    full = [systems for systems in found.values() if set(_SYSTEMS) <= systems.keys()]
    won = sum(systems["hourcast"] < min(systems["best_source"], systems["equal_weights"]) for systems in full)
    title = "RMSE against the analysis (SYNTHETIC world)"
    caption = (
        f"hourcast beats both the best source and equal weights in {won} of {len(full)} pairs of parameter and lead"
    )
    table = Table("parameter", "units", "lead", *_SYSTEMS, title=title, caption=caption)
    for (name, lead), systems in rows.items():
        least = min(systems.get(system, float("inf")) for system in _SYSTEMS)
        cells = [_cell(systems.get(system), least) for system in _SYSTEMS]
        table.add_row(name, parameter(name).units, f"{lead:g} h", *cells, end_section=lead == max(k[1] for k in rows))
    return table


def _cell(value: float | None, least: float) -> str:
    if value is None:
        return "-"
    return f"[bold green]{value:.4g}[/]" if value == least else f"{value:.4g}"
