"""The demo: build the embedded world, forecast its live hour, let time pass, score the forecast, show it."""

from __future__ import annotations

import json
import multiprocessing
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.demo.past import begin_with_past, is_current
from pipeline.parameters import catalogue
from pipeline.runner import run
from pipeline.runner.pool import Cluster, Pool, workers
from pipeline.runner.progress import watched
from pipeline.stages import STAGES
from pipeline.steps import Deployment
from pipeline.world import MARKER

if TYPE_CHECKING:
    from pipeline.world.schedule import Extent

HOUR = Cycle.parse("2025-09-05T00")
"""The live hour of the embedded world: a month after its nature run begins, with a tropical cyclone about."""
DAYS = 5
"""How far ahead the demo forecasts, unless it is asked for more."""

_PAST = tuple(HOUR - 24 * day for day in range(8, 0, -1))  # scored beside it, each with what was known then
_INTERVAL_HOURS = 6  # an analysis verifies sums and extremes by the first hours of its short forecast
_SCOREBOARD_WIDTH = 130
_TITLE = "RMSE against the analysis (SYNTHETIC world)"
_SYSTEMS = ("best_source", "equal_weights", "inverse_mse", "hourcast")
_SHOWN = (
    "temperature_2m", "dew_point_temperature_2m", "wind_speed_10m", "wind_vector_10m", "wind_gust",
    "pressure_at_sea_level", "precipitation", "total_cloud_cover", "significant_wave_height",
)  # fmt: skip
_PROVEN = tuple(name.replace("wind_vector", "eastward_wind") for name in _SHOWN)  # which is scored with its vector
_MODULES = (*(stage.module for stage in STAGES), "pipeline.explain", "pipeline.products.report.page", "pipeline.warm")


def demo(folder: Path, days: int = DAYS) -> None:
    """Leave `store/`, `report.html` and `scores.json` of the embedded world's live hour of `days` in `folder`."""
    console = Console(stderr=True)
    deployment = Deployment.open(write_configuration(folder, days))
    spent = "All of it was there already" if is_finished(deployment, folder) else make(deployment, folder, console)
    scores = json.loads((folder / "scores.json").read_text())
    Console(width=max(Console().width, _SCOREBOARD_WIDTH)).print(scoreboard(scores))
    console.print(f"{spent}. Open {folder / 'report.html'}", highlight=False)


def is_finished(deployment: Deployment, folder: Path) -> bool:
    """Whether this code has made all of it in `folder`: the world, its past, the hour and its report."""
    from pipeline.world.build import is_built

    stored, written = paths.scores(HOUR, "scores.json"), folder / "scores.json"
    if not (deployment.store.exists(stored) and written.exists() and (folder / "report.html").exists()):
        return False
    if written.read_bytes() != deployment.store.read(stored):  # which are copied once the report is there
        return False
    return is_built(folder / "world", HOUR, extent_of(deployment.config)) and is_current(folder / "world", _PAST)


def make(deployment: Deployment, folder: Path, console: Console) -> str:
    """Make the world, its past and its live hour, as far as they are not there, and show how; says what it took."""
    began = time.monotonic()
    with workers(deployment.config.workers, _MODULES) as pool:
        build_world(folder / "world", deployment.config.workers, extent_of(deployment.config))
        ready = time.monotonic()
        begin_with_past(deployment, folder / "store", folder / "world", _PAST, _PROVEN, pool)
        begun = time.monotonic()
        with watched(f"SYNTHETIC hour {HOUR} into {deployment.config.store}") as watcher:
            run(deployment, [HOUR], pool, watcher)
        days = deployment.config.last_lead_hours // 24
        console.print(f"{days} days pass, and their analyses come in: scoring", highlight=False)
        pool.submit(write_results, deployment, folder, *let_time_pass(deployment, pool)).result()
    times = (ready - began, begun - ready, time.monotonic() - begun)
    return "World {:.0f} s, its past {:.0f} s, hour {:.0f} s".format(*times)


def write_configuration(folder: Path, days: int = DAYS) -> Path:
    """The demo's forecast.yaml with its paths below `folder` and so many days of leads, written there."""
    text = resources.files("pipeline.world").joinpath("demo.yaml").read_text(encoding="utf-8")
    text = text.replace("file://build/demo/", f"file://{folder}/")
    leads = sorted({*Config.parse(text).learning.lead_hours, 24 * days})
    text = re.sub(r"(?m)^last_lead_hours: .*", f"last_lead_hours: {24 * days}", text)
    text = re.sub(r"(?m)^  lead_hours: .*", f"  lead_hours: {leads}", text)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "forecast.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def extent_of(config: Config) -> Extent:
    """How much of a world a deployment asks for."""
    from pipeline.world.schedule import Extent

    return Extent(config.learning.days, tuple(config.learning.lead_hours), config.last_lead_hours)


def build_world(root: Path, size: int, extent: Extent) -> None:
    """Write the embedded world below `root`, unless it is there, with progress bars.

    The nature run takes one core only; on another the kernels are compiled that the hour will ask for.
    """
    from pipeline.kernels import compile_all
    from pipeline.world.build import build

    compiling = multiprocessing.get_context("spawn").Process(target=compile_all, daemon=True)
    if not (root / MARKER).exists():
        compiling.start()
    with _bars() as report:
        build(root, hour=HOUR, workers=size, extent=extent, progress=report)
    if compiling.pid:
        compiling.join()


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


def let_time_pass(deployment: Deployment, pool: Pool | Cluster) -> tuple[dict[str, Any], dict[str, str]]:
    """Ingest the analyses that verify the live hour, then score it as an hour after the last of them would.

    Meanwhile what the report shows beside scores is drawn: its maps, and by name of a place why the hour says so.
    """
    from pipeline.sources import SOURCES

    names = [name for name in deployment.config.sources if SOURCES[name].role == "analysis"]
    # Every hour where the ramp counts most, then fewer: reading the world's METARs takes longer than scoring them.
    ramp = [lead for lead in range(1, deployment.config.ramp_hours + 1) if lead <= 6 or lead % 3 == 0]
    later = sorted({*deployment.config.learning.lead_hours, *ramp})
    coming = [pool.submit(ingest_truth, deployment, name) for name in names]
    maps = pool.submit(draw_maps, deployment)
    coming += [maps, *(pool.submit(observe, deployment, HOUR + lead) for lead in later)]
    for future in coming:
        future.result()
    pool.restart()  # the processes remember the runs as they were
    reports = pool.submit(verify_stations, deployment, HOUR + max(later))
    scored = pool.submit(names_to_score).result()
    jobs = {name: pool.submit(verify, deployment, name) for name in _PROVEN}  # the longest first
    drawn = pool.submit(explain_places, deployment)
    jobs |= {name: pool.submit(verify, deployment, name) for name in scored if name not in jobs}
    pool.submit(write_scores, deployment, [jobs[name].result() for name in scored]).result()
    reports.result()
    return maps.result(), drawn.result()


def ingest_truth(deployment: Deployment, name: str) -> None:
    """Bring in the runs of one analysis that verify the leads of the live hour and of the week before."""
    from pipeline.steps.ingest import ingest_source

    source = deployment.source(name)
    valid = {hour + lead for hour in (*_PAST, HOUR) for lead in deployment.config.learning.lead_hours}
    for cycle in sorted(valid | {end - _INTERVAL_HOURS for end in valid}):
        wanted = [lead for lead in (0, _INTERVAL_HOURS) if cycle + lead in valid]
        ingest_source(deployment, source, cycle, wanted)


def names_to_score() -> list[str]:
    """Parameters that `verify` scores, in the order of their records; asked for in a worker, which has the step."""
    return list(import_module("pipeline.steps.verify").names())


def verify(deployment: Deployment, name: str) -> Any:
    """Score one parameter of the live hour once every valid time has passed, the proven ones with the week before."""
    step = import_module("pipeline.steps.verify")
    inputs = import_module("pipeline.steps.inputs")
    last = max(deployment.config.learning.lead_hours)
    past = _PAST if name in _PROVEN else ()
    return step.score_parameter(deployment, name, HOUR, HOUR + last + inputs.truth_delay_hours(deployment), past)


def observe(deployment: Deployment, hour: Cycle) -> None:
    """Take in the stations' reports of an hour."""
    import_module("pipeline.steps.observe").run(deployment, hour, "all")


def write_scores(deployment: Deployment, parts: list[Any]) -> None:
    """Store the records of all parameters of the live hour."""
    import_module("pipeline.steps.verify").write(deployment, HOUR, parts)


def verify_stations(deployment: Deployment, hour: Cycle) -> None:
    """Score the live hour against the stations that have reported by `hour`."""
    import_module("pipeline.steps.verify").write_stations(deployment, HOUR, hour)


def draw_maps(deployment: Deployment) -> dict[str, Any]:
    """Draw the maps of the live hour's report."""
    return dict(import_module("pipeline.products.report.page").draw_maps(deployment.store, HOUR))


def explain_places(deployment: Deployment) -> dict[str, str]:
    """Draw by name of a configured place why the live hour says so."""
    return dict(import_module("pipeline.explain").pictures(deployment, HOUR, deployment.config.places))


def write_results(deployment: Deployment, folder: Path, maps: Mapping[str, Any], why: Mapping[str, str]) -> None:
    """Write scores, report and the cyclone's best track into `folder`; maps, why: what was drawn for the report."""
    from pipeline.products.report.page import write_report
    from pipeline.products.storm_files import write_best
    from pipeline.world import cyclone

    best = write_best(cyclone.best_track(HOUR.init_time), HOUR, "AL", 91)
    (folder / "best_track.dat").write_text(best)  # for `hourcast tracks --best`
    write_report(deployment.store, HOUR, folder / "report.html", maps=maps, places=deployment.config.places, why=why)
    (folder / "scores.json").write_bytes(deployment.store.read(paths.scores(HOUR, "scores.json")))  # last: all is there


def scoreboard(records: list[dict[str, Any]]) -> Table:
    """RMSE of the blend and of what it must beat, by parameter and lead, the smallest marked, and how sure we are."""
    found: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for record in records:
        found.setdefault((record["parameter"], record["lead_time_hours"]), {})[record["system"]] = record
    full = {key: systems for key, systems in found.items() if set(_SYSTEMS) <= systems.keys()}
    won = sum(
        systems["hourcast"]["rmse"] < min(systems[name]["rmse"] for name in ("best_source", "equal_weights"))
        for systems in full.values()
    )
    rows = {key: full[key] for name in _SHOWN for key in sorted(full) if key[0] == name}
    sure = sum(
        all(systems[name].get("difference_high", 1.0) < 0 for name in _SYSTEMS[:-1]) for systems in rows.values()
    )
    table = Table(
        "parameter", "units", "lead", *_SYSTEMS, "against the best of them", title=_TITLE,
        caption=f"hourcast beats both the best source and equal weights in {won} of {len(full)} pairs of parameter and "
        f"lead; in {sure} of these {len(rows)} it beats all three for sure (95 % interval of the difference below 0)",
    )  # fmt: skip
    for (name, lead), systems in rows.items():
        least = min(systems[system]["rmse"] for system in _SYSTEMS)
        cells = [_cell(systems[system]["rmse"], least) for system in _SYSTEMS]
        units = catalogue()[name.replace("wind_vector", "eastward_wind")].units
        last = lead == max(other for shown, other in rows if shown == name)
        table.add_row(name, units, f"{lead:g} h", *cells, _compared(_nearest(systems)), end_section=last)
    return table


def _nearest(systems: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The record of what comes nearest to the blend or beats it."""
    return min((systems[name] for name in _SYSTEMS[:-1]), key=lambda record: float(record["rmse"]))


def _cell(value: float, least: float) -> str:
    return f"[bold green]{value:.4g}[/]" if value == least else f"{value:.4g}"


def _compared(record: dict[str, Any]) -> str:
    """Our RMSE less another's in per cent of the other's, with its 95 % interval."""
    if "difference" not in record:
        return "-"
    parts = (100 * record[key] / record["rmse"] for key in ("difference", "difference_low", "difference_high"))
    return "{:+.1f} % ({:+.1f} to {:+.1f})".format(*parts)
