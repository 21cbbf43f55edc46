"""What a learned model starts from, known without its framework: a function of a cloud prepares it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHIPPED = Path(__file__).parent / "data" / "fourcastnet"
"""Our own small model, trained on the embedded world's nature run."""


@dataclass(frozen=True)
class Inputs:
    """Variables by earth2studio's names in the order of the channels, on a grid from the north pole southwards.

    With an odd number of rows the last is the south pole, with an even one the row before it.
    """

    variables: tuple[str, ...]
    rows: int
    columns: int

    @property
    def resolution(self) -> float:
        """Degrees."""
        return 360 / self.columns

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Degrees north."""
        return 90 - np.float64(self.resolution) * np.arange(self.rows, dtype=np.float64)

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east."""
        return np.float64(self.resolution) * np.arange(self.columns, dtype=np.float64)


def folder_of(package: str) -> Path:
    """The folder of a package that lies on this machine; ValueError that says how to get it for any other."""
    folder = SHIPPED if package == "shipped" else Path(package.removeprefix("file://"))
    if not folder.is_dir():
        raise ValueError(f"no package of weights at {package}; copy it to this machine and name its folder")
    return folder


def inputs_of(package: str) -> Inputs:
    """Of the package, from its config.json; ValueError if that does not say."""
    path = folder_of(package) / "config.json"
    try:
        known = json.loads(path.read_text())
        return Inputs(tuple(known["variables"]), known["rows"], known["columns"])
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise ValueError(f"{path} does not name variables, rows and columns ({error}); add them") from None
