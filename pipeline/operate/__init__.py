"""What the commands of `hourcast` do: open the deployment, check what was asked, call the right room, show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline import journal, paths
from pipeline.config import Config, ConfigError
from pipeline.cycle import Cycle
from pipeline.runner import StageError, run
from pipeline.runner.pool import workers
from pipeline.runner.progress import watched
from pipeline.stages import STAGES
from pipeline.steps import Deployment
from pipeline.store import Store

MODULES = (*(stage.module for stage in STAGES), "pipeline.warm")


def open_deployment(config: Path | Config) -> Deployment:
    """The deployment of a configuration, its sources and what is left out of them known; ConfigError or StoreError in
    one line."""
    deployment = Deployment.open(config)
    for name in deployment.config.sources:
        try:
            deployment.source(name)
        except ValueError as error:
            raise ConfigError(str(error)) from None
    return deployment


def run_hour(config: Path, cycle: str, cluster: str | None) -> None:
    """Produce one hour; ValueError for a cycle that is malformed or in the future."""
    hour = Cycle.parse(cycle)
    now = datetime.now(UTC).replace(tzinfo=None)
    if hour.init_time > now:
        raise ValueError(f"the cycle {hour} is in the future; expected one not after {now:%Y%m%dT%HZ}, now in UTC")
    _run(open_deployment(config), [hour], cluster)


def resume(config: Path, cluster: str | None) -> None:
    """Finish every hour that was begun and not finished, oldest first.

    One that cannot be finished keeps no other waiting: StageError of the first when all have been tried.
    """
    deployment = open_deployment(config)
    begun = [hour for hour in journal.hours(deployment.store) if not journal.is_finished(deployment.store, hour)]
    if not begun:
        Console(stderr=True).print("Nothing to resume: every hour that was begun is finished.")
    _run(deployment, begun, cluster)


def _run(deployment: Deployment, hours: Sequence[Cycle], cluster: str | None) -> None:
    with workers(deployment.config.workers, MODULES, cluster) as pool:
        failures = []
        for hour in hours:
            try:
                with watched(f"Hour {hour} into {deployment.config.store}") as watcher:
                    run(deployment, [hour], pool, watcher)
            except StageError as failure:
                failures.append(failure)
                pool.restart()  # the failed hour's other shards are at work
                continue
            print(f"published {paths.forecast(hour)} in {deployment.store.url}")
    for other in failures[1:]:
        Console(stderr=True).print(str(other), highlight=False, markup=False, soft_wrap=True)
    if failures:
        raise failures[0]


def latest_hour(store: Store) -> Cycle:
    """The hour that `latest.json` points to; FileNotFoundError if nothing is published."""
    try:
        return journal.newest_published(store)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"nothing is published in {store.url} yet; `hourcast run --cycle 2026-01-31T06` produces an hour"
        ) from None


def _published_hour(store: Store, cycle: str | None) -> Cycle:
    if cycle is None:
        return latest_hour(store)
    hour = Cycle.parse(cycle)
    if not store.exists(paths.forecast(hour, "manifest.json")):
        raise FileNotFoundError(f"the hour {hour} is not published in {store.url}; `hourcast status` shows which are")
    return hour


def ingest(config: Path, source: str, files: Sequence[Path]) -> None:
    """Read GRIB2 files of a source into the store, printing a line a file."""
    from pipeline.sources import source_named
    from pipeline.steps.ingest import ingest_files

    source_named(source)  # a slip in the name is told before one in a path
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f"expected a GRIB2 file; there is none at {path}")
    for line in ingest_files(Deployment.open(config), source, files):
        print(line, flush=True)


def show_point(config: Path, latitude: float, longitude: float, parameters: Sequence[str]) -> None:
    """Print the newest forecast at one place."""
    from pipeline.parameters import parameter
    from pipeline.products.point import point

    for name in parameters:
        parameter(name)
    store = open_deployment(config).store
    latest_hour(store)
    print(point(store, latitude, longitude, parameters))


def report(config: Path, cycle: str | None, out: Path) -> None:
    """Write the HTML page of an hour."""
    deployment = open_deployment(config)
    draw_report(deployment, _published_hour(deployment.store, cycle), out)
    print(out)


def draw_report(deployment: Deployment, hour: Cycle, out: Path) -> None:
    """Write the HTML page of a published hour, with the chains behind a number of each of its places."""
    from pipeline.explain import pictures
    from pipeline.products.report.page import PLACES, draw_maps, write_report

    places, maps = deployment.config.places or PLACES, draw_maps(deployment.store, hour)
    write_report(deployment.store, hour, out, maps=maps, places=places, why=pictures(deployment, hour, places))


def export_netcdf(config: Path, cycle: str | None, path: Path, parameters: Sequence[str]) -> None:
    """Write an hour's blended forecast as NetCDF."""
    from pipeline.products.netcdf import to_netcdf

    store = open_deployment(config).store
    to_netcdf(store, _published_hour(store, cycle), path, parameters or None)
    print(path)


def list_parameters(family: str | None, blended: bool | None) -> None:
    """Print a table of the catalogue's parameters, of one family or one of its tables."""
    from pipeline.products import parameter_facts, parameter_page

    _wide(parameter_page.WIDTH).print(parameter_page.table(parameter_facts.chosen(family, blended)))


def search_parameters(words: Sequence[str]) -> None:
    """Print the parameters that words find."""
    from pipeline.products import parameter_page

    _wide(parameter_page.WIDTH).print(parameter_page.found(words))


def show_parameter(name: str, lead: int, config: Path, cycle: str | None) -> None:
    """Print what is known of a parameter; its map too, in colour, if there is a deployment that has published."""
    from pipeline.products import parameter_page

    console = _wide(parameter_page.WIDTH)
    console.print(parameter_page.page(name))
    if cycle is None and (not config.exists() or not open_deployment(config).store.exists(paths.LATEST)):
        return
    store = open_deployment(config).store
    columns = console.width if console.color_system else 0
    for part in parameter_page.example(store, _published_hour(store, cycle), name, lead, columns):
        console.print(part)


def _wide(width: int) -> Console:
    """The terminal, or what is piped in so many columns."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=width)


def show_explanation(
    config: Path, cycle: str | None, latitude: float, longitude: float, parameter: str, lead: int, picture: Path | None
) -> None:
    """Print the chain behind one published number, and draw it to `picture`."""
    from pipeline.explain import explain
    from pipeline.products import explanation_picture, explanation_text

    if picture is not None:
        explanation_picture.check(picture)
    deployment = open_deployment(config)
    found = explain(deployment, _published_hour(deployment.store, cycle), latitude, longitude, parameter, lead)
    _wide(explanation_text.WIDTH).print(explanation_text.text(found))
    if picture is not None:
        explanation_picture.write(found, picture)
        print(picture)


def show_evaluation(table: Path, out: Path | None, score_from: datetime | None) -> None:
    """Score a table of forecasts and observations and print a table a parameter and lead, the best system first."""
    from pipeline.evaluate import evaluate

    records = evaluate(table, out, score_from)
    groups = defaultdict(list)
    for record in records:
        groups[record["parameter"], record["lead_time_hours"]].append(record)
    console = Console()
    wide = console if console.is_terminal else Console(width=120)
    for (parameter, lead), group in groups.items():
        title = f"{parameter}, {lead:g} h: {group[0]['n']} pairs that all systems share"
        shown = Table("system", "RMSE", "95 % interval", "MAE", "bias", "CRPS", title=title)
        for record in sorted(group, key=lambda record: record["rmse"]):
            crps = record["crps"]
            shown.add_row(
                record["system"], f"{record['rmse']:.4g}", f"{record['rmse_low']:.4g} to {record['rmse_high']:.4g}",
                f"{record['mae']:.4g}", f"{record['bias']:+.3g}", "" if crps is None else f"{crps:.4g}",
                style="bold" if record["system"] == "hourcast" else None,
            )  # fmt: skip
        wide.print(shown)
    if not records:
        wide.print("Nothing to score: no hour has pairs that all systems share.")
