"""The commands about physics models on a Slurm cluster."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import FORECAST_YAML, ConfigOption

physics = typer.Typer(no_args_is_help=True, help="WRF, MPAS, WAVEWATCH III and the embedded core on a Slurm cluster.")
_Folder = Annotated[Path, typer.Argument(help="The folder of the run, on a disk that all nodes see.")]


@physics.command()
def submit(
    description: Annotated[Path, typer.Argument(help="YAML: model, programs, data and the run (docs/physics.md).")],
    folder: _Folder,
    config: ConfigOption = FORECAST_YAML,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Prepare inputs and namelists, submit nothing.")] = False,
) -> None:
    """Prepare a run and submit its chain: pre-processors, model, output into the store.

    Example: `hourcast physics submit alps.yaml /shared/runs/alps --config forecast.yaml`
    """
    from pipeline.operate import physics as operate_physics

    operate_physics.submit(description, folder, config, dry_run=dry_run)


@physics.command()
def status(
    folder: _Folder,
    deadline: Annotated[datetime, typer.Option(help="When an hour must have it, UTC.")],
) -> None:
    """Where a run stands, and whether it will be there by the deadline; exit code 1 if an hour shall not wait for it.

    Example: `hourcast physics status /shared/runs/alps --deadline 2026-01-31T09:20:00`
    """
    from pipeline.operate import physics as operate_physics

    if not operate_physics.status(folder, deadline):
        raise typer.Exit(1)


@physics.command()
def hour(
    folder: Annotated[Path, typer.Argument(help="A folder for the runs of all hours, on a disk that all nodes see.")],
    cycle: Annotated[str, typer.Option(help="The hour, UTC, such as 2026-01-31T06.")],
    config: ConfigOption = FORECAST_YAML,
    minutes: Annotated[float, typer.Option(help="How long the hour waits for its runs.")] = 20,
) -> None:
    """Prepare, submit and await the runs of the configuration's `physics` that are due; exit code 1 if one is missing.

    For a scheduler, before `hourcast run`: `hourcast physics hour /shared/runs --cycle 2026-01-31T06`
    """
    from pipeline.operate import physics as operate_physics

    if not operate_physics.make_hour(cycle, folder, config, minutes=minutes):
        raise typer.Exit(1)


@physics.command()
def store(folder: _Folder, config: ConfigOption = FORECAST_YAML) -> None:
    """Store the output of a finished run as a run of its source; the chain's last job does it.

    Example: `hourcast physics store /shared/runs/alps --config forecast.yaml`
    """
    from pipeline.operate import physics as operate_physics

    operate_physics.store_output(folder, config)
