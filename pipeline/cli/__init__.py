"""`hourcast`: every command is one call; what it does is in the module it calls."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.deployment import cloud, deployment
from pipeline.cli.models import models
from pipeline.cli.options import FORECAST_YAML, ConfigOption, CycleOption
from pipeline.cli.parameters import parameters
from pipeline.cli.physics import physics

app = typer.Typer(
    name="hourcast",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""One best global weather forecast an hour, blended from the world's open models.

    Try it without any data: `hourcast demo` builds a synthetic world, forecasts one hour of it and scores itself.

    For real: copy `examples/production.yaml` to `forecast.yaml`, choose a store in it, then
    `hourcast run --cycle 2026-01-31T06`.

    Exit codes: 0 done, 1 the hour failed (nothing published), 2 the input or the store cannot be used, 130 stopped
    by Ctrl-C.
    """,
)
export = typer.Typer(no_args_is_help=True, help="Copies of a published hour in other formats.")
app.add_typer(export, name="export")
app.add_typer(cloud, name="cloud")
app.add_typer(deployment)
app.add_typer(models)
app.add_typer(parameters, name="parameters")
app.add_typer(physics, name="physics")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the world, the store and the report go.")] = Path("build/demo"),
    days: Annotated[int, typer.Option(min=5, max=10, help="How far ahead it forecasts.")] = 5,
) -> None:
    """Build a synthetic world, forecast one hour of it, verify it, and write `report.html` and `scores.json`.

    The world is cached in the folder: the second time takes a fraction of the first.

    Example: `hourcast demo`
    """
    from pipeline.demo import demo

    demo(folder, days)


@app.command()
def run(
    cycle: Annotated[str, typer.Option("--cycle", help="The hour to produce, UTC, such as 2026-01-31T06.")],
    config: ConfigOption = FORECAST_YAML,
    dask: Annotated[str | None, typer.Option(help="Run on this dask cluster, such as tcp://10.0.0.7:8786.")] = None,
) -> None:
    """Produce one hour: every stage from ingest to verify, skipping what is done.

    Interrupt it as you like: `hourcast resume`, or the same command again, continues where it was, and readers only
    ever see whole hours.

    Examples: `hourcast run --cycle 2026-01-31T06` · `hourcast run --cycle 2026013106 --config europe.yaml`
    """
    from pipeline.operate import run_hour

    run_hour(config, cycle, dask)


@app.command()
def resume(
    config: ConfigOption = FORECAST_YAML,
    dask: Annotated[str | None, typer.Option(help="Run on this dask cluster, such as tcp://10.0.0.7:8786.")] = None,
) -> None:
    """Finish every hour that was begun and not finished, oldest first.

    Example: `hourcast resume --config forecast.yaml`
    """
    from pipeline.operate import resume

    resume(config, dask)


@app.command()
def shard(
    store: Annotated[str, typer.Option(envvar="HOURCAST_STORE", help="The store that holds `forecast.yaml`.")],
    cycle: Annotated[str, typer.Option("--cycle", help="The hour, UTC, such as 2026-01-31T06.")],
    stage: Annotated[str, typer.Option(help="Which stage of it.")],
    index: Annotated[
        int, typer.Option(min=0, envvar="AWS_BATCH_JOB_ARRAY_INDEX", help="Which of the planned shards.")
    ] = 0,
    name: Annotated[str | None, typer.Option(help="The shard of this name instead, planned or not.")] = None,
) -> None:
    """Run one shard of a stage that has been planned: what a job of a batch system does.

    Exit codes: 0 done (or done before), 1 it would fail again, 2 the input cannot be used, 75 it may pass another time.

    Example: `hourcast shard --store s3://forecasts --cycle 2026-01-31T06 --stage forecast --index 12`
    """
    from pipeline.runner.worker import run_one

    sys.exit(run_one(store, cycle, stage, index if name is None else name))


@app.command()
def nodes(
    store: Annotated[str, typer.Option(envvar="HOURCAST_STORE", help="The store that holds `forecast.yaml`.")],
    cycle: Annotated[str, typer.Option("--cycle", help="The hour, UTC, such as 2026-01-31T06.")],
    stage: Annotated[str, typer.Option(help="Which stage of it.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes a node, of one shard at a time each.")],
    node: Annotated[int, typer.Option(min=0, envvar="AWS_BATCH_JOB_NODE_INDEX", help="Which of the nodes this is.")],
    main: Annotated[
        str | None,
        typer.Option(envvar="AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", help="Address of node 0, which knows it."),
    ] = None,
) -> None:
    """Run all shards of a stage on several machines, as one of them: what a multi-node job of a batch system does.

    Node 0 schedules, all work; those that are lost are done without. Exit codes as of `shard`.

    Example: `hourcast nodes --store s3://forecasts --cycle 2026-01-31T06 --stage forecast --workers 7 --node 0`
    """
    from pipeline.runner.nodes import attend

    sys.exit(attend(store, cycle, stage, node, main, workers))


@app.command()
def rerun(
    store: Annotated[str, typer.Option(envvar="HOURCAST_STORE", help="The store that holds `forecast.yaml`.")],
    cycle: Annotated[str, typer.Option("--cycle", help="The hour, UTC, such as 2026-01-31T06.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes, of one shard at a time each.")] = 1,
    minutes: Annotated[float, typer.Option(min=0, help="Begin nothing after so long; the same again goes on.")] = 1e9,
) -> None:
    """Run a whole hour that was missed or not finished: what a job in the background does.

    Readers stay with the newest hour. Exit codes as of `shard`, 75 also until all is done.

    Example: `hourcast rerun --store s3://forecasts --cycle 2026-01-31T06 --workers 7 --minutes 50`
    """
    from pipeline.operate.rerun import rerun

    sys.exit(rerun(store, cycle, workers, minutes))


@app.command()
def status(config: ConfigOption = FORECAST_YAML, cycle: CycleOption = None) -> None:
    """Show the last hours, which of them were late, degraded or repeated, what each cost, and the stages of one.

    Examples: `hourcast status` · `hourcast status --cycle 2026-01-31T06`
    """
    from pipeline.operate.status import show_status

    show_status(config, cycle)


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="Which feed the files are from, such as gfs, icon or ifs_ens.")],
    files: Annotated[list[Path], typer.Argument(help="GRIB2 files.")],
    config: ConfigOption = FORECAST_YAML,
) -> None:
    """Read GRIB2 files of a source into the store, and say what each holds.

    Example: `hourcast ingest gfs gfs.t06z.pgrb2.0p25.f024`
    """
    from pipeline.operate import ingest

    ingest(config, source, files)


@app.command()
def evaluate(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet: one row a source, start and station.")],
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json.")] = None,
    score_from: Annotated[datetime | None, typer.Option(help="Earlier hours are for learning only (UTC).")] = None,
) -> None:
    """The honest referee: blend and score any table of forecasts and observations, strictly in time order.

    Columns: source, parameter, init_time, lead_time_hours, station, latitude, longitude, elevation, forecast,
    observation. Prints RMSE, MAE and bias of every source, of the reference blends and of ours on identical pairs.

    Example: `hourcast evaluate table.csv --out build/evaluation --score-from 2026-01-11`
    """
    from pipeline.operate import show_evaluation

    show_evaluation(table, out, score_from)


@app.command()
def point(
    lat: Annotated[float, typer.Option(min=-90, max=90, help="Degrees north.")],
    lon: Annotated[float, typer.Option(min=-180, max=360, help="Degrees east.")],
    parameter: Annotated[list[str] | None, typer.Option(help="Which parameter; may be repeated.")] = None,
    config: ConfigOption = FORECAST_YAML,
) -> None:
    """The newest forecast at one place, hour by hour.

    Example: `hourcast point --lat 52.5 --lon 13.4 --parameter temperature_2m`
    """
    from pipeline.operate import show_point

    show_point(config, lat, lon, parameter or [])


@app.command()
def explain(
    lat: Annotated[float, typer.Option(min=-90, max=90, help="Degrees north.")],
    lon: Annotated[float, typer.Option(min=-180, max=360, help="Degrees east.")],
    parameter: Annotated[str, typer.Option(help="Which parameter.")],
    lead: Annotated[int, typer.Option(min=0, help="Hours ahead.")],
    hour: Annotated[str | None, typer.Option(help="The published hour, UTC; the newest one if left out.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw it too: a file ending in .svg or .html.")] = None,
    config: ConfigOption = FORECAST_YAML,
) -> None:
    """Why this number: every source, its bias and weight, the observations, the rules, and what they come to.

    Example: `hourcast explain --lat 52.5 --lon 13.4 --parameter temperature_2m --lead 24 --picture why.svg`
    """
    from pipeline.operate import show_explanation

    show_explanation(config, hour, lat, lon, parameter, lead, picture)


@app.command()
def report(
    config: ConfigOption = FORECAST_YAML,
    cycle: CycleOption = None,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
) -> None:
    """Write one self-contained HTML page of an hour: maps, weights, tracks, scores, meteograms, timings.

    Example: `hourcast report --cycle 2026-01-31T06 --out monday.html`
    """
    from pipeline.operate import report

    report(config, cycle, out)


@export.command()
def netcdf(
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    parameter: Annotated[list[str] | None, typer.Option(help="Only this parameter; may be repeated.")] = None,
    config: ConfigOption = FORECAST_YAML,
    cycle: CycleOption = None,
) -> None:
    """Write the blended forecast of an hour as one CF-1.11 NetCDF-4 file.

    Example: `hourcast export netcdf wind.nc --parameter wind_speed_10m`
    """
    from pipeline.operate import export_netcdf

    export_netcdf(config, cycle, path, parameter or [])


_INTERRUPTED = 130


def main() -> None:
    """Run the command line; one line on stderr and exit code 2 for bad input, 1 for a failed hour, 130 for Ctrl-C."""
    try:
        code = app(standalone_mode=False)
        if code == _INTERRUPTED:  # typer's answer to Ctrl-C
            _stop("stopped by Ctrl-C; nothing is half-written, the same command continues", _INTERRUPTED)
        sys.exit(code)
    except typer.TyperException as error:
        message = error.format_message().rstrip(".")
        _stop(f"{message or 'a command is missing'}; `hourcast --help` explains", error.exit_code)
    except Exception as error:
        from pipeline.runner import StageError

        if os.environ.get("HOURCAST_DEBUG") or not isinstance(error, (StageError, ValueError, KeyError, OSError)):
            raise
        failed_hour = isinstance(error, StageError) and not isinstance(error.__cause__, OSError)
        _stop(_one_line(error), 1 if failed_hour else 2)


def _one_line(error: Exception) -> str:
    text = error.args[0] if isinstance(error, KeyError) and error.args else str(error)
    return " ".join(str(text).split()) or type(error).__name__


def _stop(message: str, code: int) -> None:
    print(f"hourcast: {message}", file=sys.stderr)
    sys.exit(code)
