"""How each parameter is written in GRIB2: `grib2.csv`, one row a parameter of the catalogue.

`discipline`, `category`, `number`: WMO's code table 4.2; categories of 192 and above are ours, where it has none.
`surface`, `level`: code table 4.5, in its units; of a layer the upper surface, then `second_surface`, `second_level`
the lower. `statistic` over the `hours` before the valid time. `factor`: from the catalogue's units to WMO's.
`abbreviation`: NCEP's name of the number, for inventories.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

Statistic = Literal["", "mean", "accumulation", "maximum", "minimum", "difference"]
LOCAL = 192
"""Categories from here on are ours; the numbers in them mean what `grib2.csv` says."""


@dataclass(frozen=True)
class Surface:
    """A fixed surface: its `kind` in code table 4.5 and its value in that table's units, None where it has none."""

    kind: int
    value: float | None


@dataclass(frozen=True)
class Encoding:
    """One row of `grib2.csv`; `hours` is 0 for an instant, `second` None unless it is a layer."""

    name: str
    code: tuple[int, int, int]
    first: Surface
    second: Surface | None
    statistic: Statistic
    hours: int
    factor: float
    abbreviation: str


def encoding(name: str) -> Encoding:
    """How the parameter `name` is written; KeyError if `grib2.csv` has no row of it."""
    try:
        return encodings()[name]
    except KeyError:
        raise KeyError(f"no GRIB2 encoding of {name!r}; add its row to pipeline/parameters/grib2.csv") from None


@cache
def encodings() -> dict[str, Encoding]:
    """Every row by name, in the order of the table."""
    with resources.files(__package__).joinpath("grib2.csv").open(encoding="utf-8") as file:
        return {row["name"]: _read(row) for row in csv.DictReader(file)}


def _read(row: dict[str, str]) -> Encoding:
    statistic = row["statistic"]
    if statistic not in get_args(Statistic):
        raise ValueError(f"{row['name']}: statistic must be one of {get_args(Statistic)}; found {statistic!r}")
    return Encoding(
        name=row["name"],
        code=(int(row["discipline"]), int(row["category"]), int(row["number"])),
        first=_surface(row["surface"], row["level"]),
        second=_surface(row["second_surface"], row["second_level"]) if row["second_surface"] else None,
        statistic=statistic,  # type: ignore[arg-type]
        hours=int(row["hours"] or 0),
        factor=float(row["factor"] or 1),
        abbreviation=row["abbreviation"],
    )


def _surface(kind: str, level: str) -> Surface:
    return Surface(int(kind), float(level) if level else None)
