"""The commands about the catalogue of parameters."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import FORECAST_YAML, ConfigOption, CycleOption

parameters = typer.Typer(no_args_is_help=True, help="What the catalogue holds: units, formulas, ties, sources.")


@parameters.command("list")
def list_parameters(
    family: Annotated[str | None, typer.Option(help="Only this family, such as humidity, fire or sea.")] = None,
    blended: Annotated[
        bool | None, typer.Option("--blended/--derived", help="Only what sources deliver, or what follows.")
    ] = None,
) -> None:
    """A table of the parameters.

    Examples: `hourcast parameters list --family humidity` · `hourcast parameters list --blended`
    """
    from pipeline.operate import list_parameters

    list_parameters(family, blended)


@parameters.command("search")
def search_parameters(words: Annotated[list[str], typer.Argument(help="All of them must occur.")]) -> None:
    """Find parameters by words of their names, CF standard names or units; misspelt words are read as the nearest.

    Example: `hourcast parameters search wave period`
    """
    from pipeline.operate import search_parameters

    search_parameters(words)


@parameters.command("show")
def show_parameter(
    name: Annotated[str, typer.Argument(help="Which parameter.")],
    lead: Annotated[int, typer.Option(min=0, help="Hours ahead of the map.")] = 24,
    config: ConfigOption = FORECAST_YAML,
    cycle: CycleOption = None,
) -> None:
    """All that is known of one parameter, with a map of the newest hour where one is published.

    Example: `hourcast parameters show wet_bulb_temperature_2m --lead 48`
    """
    from pipeline.operate import show_parameter

    show_parameter(name, lead, config, cycle)
