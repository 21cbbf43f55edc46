"""The parameter catalogue: one table row a parameter, read by every room of the house.

`blended.csv` holds what the sources deliver, `derived.csv` what is computed from the blend.
Names of messages in the feeds: `ncep` as in wgrib2 `.idx` files (`VAR:level`), `ecmwf` as `param:levtype[:level]`
of `.index` files (alternatives separated by `|`), `icon` and `gdps` as in their file names; `short_names` are
eccodes short names, `name[@typeOfLevel:level]`, separated by `|`, and decide what a decoded message is.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

Kind = Literal[
    "instantaneous", "accumulation", "interval_mean", "interval_maximum", "interval_minimum",
    "vector_component", "direction", "fraction", "category",
]  # fmt: skip
TimeMethod = Literal["linear", "accumulation", "maximum", "minimum", "circular", "solar", "nearest"]
RegridMethod = Literal["bilinear", "conservative", "nearest"]
BlendRule = Literal["weighted_mean", "vector", "circular", "precipitation", "fraction", "category"]
Domain = Literal["all", "sea", "land"]
Attribute = str | float | list[float]

CELL_METHODS: dict[Kind, str] = {
    "accumulation": "time: sum (interval: 1 hour)",
    "interval_mean": "time: mean (interval: 1 hour)",
    "interval_maximum": "time: maximum (interval: 1 hour)",
    "interval_minimum": "time: minimum (interval: 1 hour)",
}
INTERVAL_KINDS = tuple(CELL_METHODS)

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Levels at which distributions are published."""


@dataclass(frozen=True)
class Parameter:
    """One row of the catalogue; `minimum`, `maximum`, `precision` and `thresholds` are in `units`.

    `precision` is the absolute rounding error allowed in storage. `domain` says where the parameter exists.
    `speed` names the wind speed that belongs to a vector component. Derived parameters have no feed names;
    `source` is the paper or manual of their formula. `flags` are the values of a category and their meanings.
    """

    name: str
    standard_name: str
    long_name: str
    units: str
    kind: Kind
    domain: Domain
    minimum: float
    maximum: float
    precision: float
    probabilistic: bool = False
    thresholds: tuple[float, ...] = ()
    time: TimeMethod = "linear"
    regrid: RegridMethod = "bilinear"
    blend: BlendRule = "weighted_mean"
    speed: str = ""
    short_names: tuple[str, ...] = ()
    grib2: str = ""
    level_type: str = ""
    level: int = 0
    ncep: str = ""
    ecmwf: tuple[str, ...] = ()
    icon: str = ""
    gdps: str = ""
    source: str = ""
    flags: tuple[tuple[float, str], ...] = ()

    def cf_attributes(self) -> dict[str, Attribute]:
        """CF-1.11 attributes of an array of this parameter."""
        attributes: dict[str, Attribute] = {"long_name": self.long_name, "units": self.units}
        if self.standard_name:
            attributes["standard_name"] = self.standard_name
        if self.kind in CELL_METHODS:
            attributes["cell_methods"] = CELL_METHODS[self.kind]
        if self.flags:
            attributes["flag_values"] = [value for value, _ in self.flags]
            attributes["flag_meanings"] = " ".join(meaning for _, meaning in self.flags)
        if self.domain != "all":
            attributes["comment"] = self.where
        return attributes

    @property
    def where(self) -> str:
        """Where the parameter exists, and what its values are elsewhere."""
        if self.domain == "all":
            return "everywhere"
        elsewhere = "what the formula gives" if self.source else f"continued from the nearest {self.domain}"
        return f"of the {self.domain}; elsewhere {elsewhere}"


def _read(row: dict[str, str]) -> Parameter:
    many = {"short_names": "|", "ecmwf": "|"}
    numbers = {"minimum", "maximum", "precision"}
    choices = {"kind": Kind, "time": TimeMethod, "regrid": RegridMethod, "blend": BlendRule, "domain": Domain}
    values: dict[str, object] = {}
    for key, text in row.items():
        if key in choices and text and text not in get_args(choices[key]):
            raise ValueError(f"{row['name']}: {key} must be one of {get_args(choices[key])}; found {text!r}")
        if key in numbers:
            values[key] = float(text)
        elif key == "level":
            values[key] = int(text or 0)
        elif key == "probabilistic":
            values[key] = text == "yes"
        elif key == "thresholds":
            values[key] = tuple(float(part) for part in text.split())
        elif key == "flags":
            pairs = (part.split(" ") for part in text.split("|") if part)
            values[key] = tuple((float(value), meaning) for value, meaning in pairs)
        elif key in many:
            values[key] = tuple(part for part in text.split(many[key]) if part)
        elif text:
            values[key] = text
    values.setdefault("standard_name", "")
    return Parameter(**values)  # type: ignore[arg-type]


@cache
def _table(name: str) -> dict[str, Parameter]:
    with resources.files(__package__).joinpath(name).open(encoding="utf-8") as file:
        return {row["name"]: _read(row) for row in csv.DictReader(file)}


def blended() -> dict[str, Parameter]:
    """Parameters that sources deliver, by name, in the order of the table."""
    return _table("blended.csv")


def derived() -> dict[str, Parameter]:
    """Parameters computed from the blended ones, by name, in the order of the table."""
    return _table("derived.csv")


@cache
def catalogue() -> dict[str, Parameter]:
    """Every parameter by name: blended first, then derived."""
    return blended() | derived()


@cache
def pressure_levels() -> tuple[int, ...]:
    """hPa of the levels that the catalogue has, from the ground up."""
    heights = (row.level for name, row in blended().items() if name.startswith("geopotential_height_"))
    return tuple(sorted(heights, reverse=True))


def parameter(name: str) -> Parameter:
    """The row of `name`; KeyError with the nearest names if there is none."""
    try:
        return catalogue()[name]
    except KeyError:
        from difflib import get_close_matches

        near = get_close_matches(name, catalogue(), n=3) or ["none; `hourcast parameters list` names all"]
        raise KeyError(f"unknown parameter {name!r}; did you mean {', '.join(near)}?") from None
