"""Options that many commands of `hourcast` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="HOURCAST_CONFIG", help="The description of the deployment.")
]
CycleOption = Annotated[
    str | None, typer.Option("--cycle", help="The hour, UTC, such as 2026-01-31T06; the newest one if left out.")
]
FORECAST_YAML = Path("forecast.yaml")
