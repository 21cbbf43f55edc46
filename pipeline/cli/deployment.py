"""The commands about a deployment as a whole: what it costs, what it lacks."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import FORECAST_YAML, ConfigOption

deployment = typer.Typer()
cloud = typer.Typer(no_args_is_help=True, help="The cloud deployment on this machine.")
CHECKOUT = Path(__file__).resolve().parents[2]


@deployment.command()
def cost(
    cycle: Annotated[
        str | None, typer.Option(help="This hour's own bill, from its journal; modelled if left out.")
    ] = None,
    config: ConfigOption = FORECAST_YAML,
    sources: Annotated[int, typer.Option(min=1, help="Of the modelled hour.")] = 15,
    parameters: Annotated[
        int | None, typer.Option(min=1, help="Blended and derived; those of the catalogue if left out.")
    ] = None,
    resolution: Annotated[float, typer.Option(min=0.01, max=30, help="Degrees.")] = 0.25,
    leads: Annotated[int, typer.Option(min=1, help="Hourly.")] = 361,
    members: Annotated[int, typer.Option(min=0, help="Of all ensembles; 31 at most are made here.")] = 112,
    minutes: Annotated[float, typer.Option(min=2, help="In which the hour is made.")] = 25,
    spot: Annotated[float, typer.Option(min=0, max=1, help="Share of machines that is Spot.")] = 0.8,
    region: Annotated[str, typer.Option(help="One that the table of prices has.")] = "us-east-1",
    prices: Annotated[Path | None, typer.Option(help="CSV like pipeline/cost/prices.csv instead of it.")] = None,
) -> None:
    """What an hour and a month cost on AWS, in dollars, energy and CO2e: of an hour that was made, or of any size.

    Examples: `hourcast cost` · `hourcast cost --sources 30 --resolution 0.1` · `hourcast cost --cycle 2026-01-31T06`
    """
    from pipeline.operate.cost import show_measured, show_modelled
    from pipeline.parameters import catalogue

    if cycle is not None:
        show_measured(config, cycle, spot_share=spot, region=region, table=prices)
        return
    parameters = parameters or len(catalogue())
    size = {"sources": sources, "parameters": parameters, "resolution": resolution, "leads": leads, "members": members}
    show_modelled(size, minutes=minutes, spot_share=spot, region=region, table=prices)


@deployment.command()
def doctor(
    config: ConfigOption = FORECAST_YAML,
    cycle: Annotated[
        str | None, typer.Option(help="The hour whose feeds are looked for; the present if left out.")
    ] = None,
) -> None:
    """Check a deployment: configuration, store, sources, clock, memory, disks, models, Slurm, AWS; a line a check.

    Leaves nothing behind. Exit code 1 if a check failed.

    Examples: `hourcast doctor --config forecast.yaml` · `hourcast doctor --cycle 2026-01-31T06`
    """
    from pipeline.operate.doctor import show_findings

    if not show_findings(config, cycle):
        raise typer.Exit(1)


@cloud.command()
def up(
    folder: Annotated[Path, typer.Option(help="Where world, logs and addresses go.")] = Path("build/cloud"),
) -> None:
    """Run an hour of a small synthetic world in a cloud on this machine, and keep that cloud until Ctrl-C.

    State machine, functions, jobs, buckets, tables, queues are those of the deployment; nothing leaves the machine.
    Needs a checkout of the repository.

    Example: `hourcast cloud up`
    """
    if not (CHECKOUT / "cdk").is_dir() or find_spec("moto") is None:
        raise ValueError("the local cloud needs a checkout of the repository and `make .venv/ready` in it")
    # By name and in place of this process: the pipeline knows nothing of its deployments.
    search = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "cdk.local", str(folder)]
    os.execve(sys.executable, command, os.environ | {"PYTHONPATH": search})
