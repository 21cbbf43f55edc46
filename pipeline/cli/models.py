"""The commands about forecast models: the ensemble that is made here, its cyclones, training, physics on nodes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import FORECAST_YAML, ConfigOption, CycleOption

models = typer.Typer()


@models.command()
def ensemble(
    config: ConfigOption = FORECAST_YAML,
    cycle: Annotated[str, typer.Option("--cycle", help="The hour that is served, UTC, such as 2026-01-31T06.")] = "",
    model: Annotated[str | None, typer.Option(help="afno or fcn instead of the configured one.")] = None,
    members: Annotated[int | None, typer.Option(min=1, help="Perturbed members instead of as configured.")] = None,
    job: Annotated[int | None, typer.Option(min=0, help="Only this slice of members, as an array job does.")] = None,
) -> None:
    """Make the members of FourCastNet for one hour: initial conditions, integration, their store.

    Stop it as you like, by SIGTERM too: it ends after a whole step with exit code 75, and the same command continues.

    Examples: `hourcast ensemble --cycle 2026-01-31T06` · `hourcast ensemble --cycle 2026-01-31T06 --job 2`
    """
    from pipeline.operate.ensemble import make_ensemble

    make_ensemble(config, cycle, model, members, job)


@models.command()
def tracks(
    config: ConfigOption = FORECAST_YAML,
    cycle: CycleOption = None,
    best: Annotated[Path | None, typer.Option(help="A b-deck or HURDAT2 file, also gzipped, to compare with.")] = None,
) -> None:
    """Where an hour's ensembles take the cyclones: the tropical storms, their landfalls, and errors where known.

    Examples: `hourcast tracks` · `hourcast tracks --cycle 2026-01-31T06 --best bal092026.dat`
    """
    from pipeline.operate.ensemble import show_tracks

    show_tracks(config, cycle, best)


@models.command()
def train(
    data: Annotated[
        str | None,
        typer.Argument(help="A Zarr reanalysis in WeatherBench's layout of ERA5; the embedded world's own."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoint, then package.")] = Path("build/training"),
    since: Annotated[datetime | None, typer.Option(help="Learn from this on (UTC), verify on earlier.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Learn from before this (UTC), verify on later.")] = None,
    minutes: Annotated[float, typer.Option(min=0, help="Stop after so long; the same command continues.")] = 1e9,
    steps: Annotated[int | None, typer.Option(min=1, help="Of the optimizer; 3500, or the shipped model's.")] = None,
    keep: Annotated[
        str | None, typer.Option(help="Folder of a store that keeps the run; 75 is the exit code until it is done.")
    ] = None,
) -> None:
    """Train a small FourCastNet on a reanalysis, verify it, and write its package of weights.

    Without data it makes the embedded world's reanalysis and trains as the shipped model was trained.

    Examples: `hourcast train` · `hourcast train era5.zarr --until 2020-01-01 --minutes 30`
    """
    from pipeline.operate.training import train
    from pipeline.runner.worker import Exit

    if not train(data, out, since, until, minutes, steps, keep) and keep:
        raise typer.Exit(Exit.MAY_PASS)


@models.command()
def scaling(
    case: Annotated[str, typer.Argument(help="Which measured case of the table.")] = "mpas_laura_15_3km",
    table: Annotated[Path | None, typer.Option(help="CSV of measurements; the published ones if left out.")] = None,
    hours: Annotated[float, typer.Option(min=0.1, help="Length of the forecast.")] = 48,
    deadline: Annotated[float | None, typer.Option(min=0.01, help="Wall hours it may take.")] = None,
    nodes: Annotated[list[int] | None, typer.Option(min=1, help="Look at this many nodes; may be repeated.")] = None,
    here: Annotated[int | None, typer.Option(min=1, help="Run the embedded core on up to so many processors.")] = None,
) -> None:
    """How fast a physics model runs on how many nodes, what that costs, and how many to take.

    Fits strong scaling to measured speeds; ranges are 5 to 95 per cent.

    Examples: `hourcast scaling mpas_laura_15_3km --hours 48 --deadline 1` · `hourcast scaling --here 2`
    """
    from pipeline.operate.scaling import show_scaling

    show_scaling(case, table, hours, deadline, nodes or [], here)


@models.command()
def nests(
    config: ConfigOption = FORECAST_YAML,
    cycle: CycleOption = None,
    prepare: Annotated[Path | None, typer.Option(help="Make a run in this folder of each that was chosen.")] = None,
    submit: Annotated[bool, typer.Option("--submit", help="With --prepare: submit them to Slurm, too.")] = False,
    programs: Annotated[str, typer.Option(help="Folder of WRF's programs (docs/physics.md).")] = "/opt/model",
    data: Annotated[str, typer.Option(help="Folder of what no feed brings.")] = "/shared/fixed",
    image: Annotated[str, typer.Option(help="Image that holds the programs.")] = "",
) -> None:
    """Which fine runs the hazards of an hour deserve, what they cost, and why each is to be started or not.

    A dry run unless it is told where to prepare them; the configuration's `nests` sets the budget of an hour.

    Examples: `hourcast nests` · `hourcast nests --prepare /shared/runs --submit`
    """
    from pipeline.operate import nests as operate_nests

    if prepare is None:
        operate_nests.show_plan(config, cycle)
    else:
        places = {"programs": programs, "data": data, "image": image}
        operate_nests.prepare_chosen(config, cycle, prepare, places, submit=submit)
