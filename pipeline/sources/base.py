"""What every feed declares: where its files lie, when they come, what they carry and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Literal

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended

Role = Literal["deterministic", "ensemble", "regional", "wave", "persistence", "analysis"]
Index = Literal["ncep", "ecmwf", "none"]
Vocabulary = Literal["ncep", "ecmwf", "icon", "gdps"]
Layout = Callable[[Cycle, int, int | None, Parameter | None, str], str]

US_GOVERNMENT = "US government work, public domain"
NCEP_ATTRIBUTION = "NOAA/NCEP, through the NOAA Open Data Dissemination programme"
CC_BY_4 = "CC-BY-4.0"
ECMWF_ATTRIBUTION = "Contains ECMWF open data, modified; ECMWF does not accept any liability for their use"


@dataclass(frozen=True)
class Source:
    """One feed of the open-data buckets.

    `bucket`: URL whose last path part names the folder in a local mirror. `cycles`: UTC hours at which it starts.
    `leads_by_cycle`: native leads (hours) by start hour. `delay_hours`: when the last file of a run is there.
    `index`: format of the file beside the data that says where each message lies; "none" is one file a parameter.
    `vocabulary`: the catalogue's column with this feed's names. `carries`: its parameters, by name.
    `accumulates_from_start`: accumulations count from the start of the run, so one value needs the one before.
    `maximum_age_hours`: an older run is not used. `deadline_seconds`: time allowed for repeating a failing fetch.
    """

    name: str
    title: str
    role: Role
    bucket: str
    cycles: tuple[int, ...]
    leads_by_cycle: Mapping[int, tuple[int, ...]]
    delay_hours: float
    index: Index
    vocabulary: Vocabulary
    carries: frozenset[str]
    layout: Layout
    licence: str
    attribution: str
    members: tuple[int, ...] = ()
    products: tuple[str, ...] = ("forecast",)
    accumulates_from_start: bool = False
    maximum_age_hours: float = 24.0
    deadline_seconds: float = 30.0
    compression: Literal["", "bz2"] = ""
    coordinate_files: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Name of the bucket's folder in a local mirror."""
        return self.bucket.rstrip("/").rsplit("/", 1)[-1]

    def leads(self, cycle: Cycle) -> tuple[int, ...]:
        """Native leads of that cycle, in hours; ValueError if the source does not start at its hour."""
        hour = cycle.init_time.hour
        if hour not in self.cycles:
            raise ValueError(f"{self.name} starts at {self.cycles} UTC; found cycle {cycle}")
        return self.leads_by_cycle[hour]

    def key(
        self,
        cycle: Cycle,
        lead: int,
        *,
        member: int | None = None,
        parameter: str = "",
        product: str = "forecast",
    ) -> str:
        """Key of the file in the bucket that holds `lead`.

        `member` is needed where members have files of their own, `parameter` (its name in the catalogue, or "clat" and
        "clon" for the coordinates of an unstructured grid) where parameters have, `product` "spread" is the
        ensemble's standard deviation. ValueError if the feed has no such product, KeyError for a foreign parameter.
        """
        if product not in self.products:
            raise ValueError(f"{self.name} offers {self.products}; found product {product!r}")
        if parameter in self.coordinate_files:
            return self.coordinate_files[parameter].format(date=f"{cycle.init_time:%Y%m%d}", hour=hour_of(cycle))
        return self.layout(cycle, lead, member, blended()[parameter] if parameter else None, product)

    def index_key(self, key: str) -> str:
        """Key of the index that lies beside the file `key`."""
        return key.removesuffix(".grib2") + ".index" if self.index == "ecmwf" else f"{key}.idx"

    def names(self, parameter: Parameter) -> tuple[str, ...]:
        """What the parameter is called in the feed's index or file names, best first; () if it is not carried."""
        if parameter.name not in self.carries:
            return ()
        column = getattr(parameter, self.vocabulary)
        return tuple(column.split("|")) if isinstance(column, str) else column

    def without(self, patterns: Iterable[str]) -> Source:
        """The feed as if it did not carry the parameters that match one of the `patterns`, such as `*hpa`.

        ValueError names a pattern that matches none.
        """
        left = self.carries
        for pattern in patterns:
            matching = {name for name in self.carries if fnmatchcase(name, pattern)}
            if not matching:
                raise ValueError(f"source {self.name}: expected `without` to name what it carries; found {pattern!r}")
            left -= matching
        return replace(self, carries=left)

    def parameters(self) -> tuple[Parameter, ...]:
        """The catalogue's parameters that this feed carries, in the order of the table."""
        return tuple(parameter for parameter in blended().values() if parameter.name in self.carries)

    @cached_property
    def delivers(self) -> frozenset[str]:
        """Names of the parameters that it carries, and of the wind speeds that follow from components it does."""
        return self.carries | {parameter.speed for parameter in self.parameters() if parameter.speed}


def hour_of(cycle: Cycle) -> str:
    """Start hour as two digits."""
    return f"{cycle.init_time:%H}"


def hours(*parts: range) -> tuple[int, ...]:
    """Leads of consecutive ranges, such as hourly and then 3-hourly."""
    return tuple(lead for part in parts for lead in part)


def every(cycles: tuple[int, ...], leads: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
    """The same leads for every cycle."""
    return dict.fromkeys(cycles, leads)


def carried(vocabulary: Vocabulary, *, without: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> frozenset[str]:
    """Parameters that have a name in the vocabulary; `*` in a name stands for anything.

    ValueError if a name in `without` or `only` matches no parameter, so that a typing error cannot hide data.
    """
    for pattern in without + only:
        if not any(fnmatchcase(name, pattern) for name in blended()):
            raise ValueError(f"no parameter of the catalogue matches {pattern!r}")
    return frozenset(
        name
        for name, parameter in blended().items()
        if getattr(parameter, vocabulary)
        and (not only or any(fnmatchcase(name, pattern) for pattern in only))
        and not any(fnmatchcase(name, pattern) for pattern in without)
    )


SEA_STATE = (
    "significant_wave_height",
    "wind_wave_height",
    "swell_wave_height",
    "primary_wave_period",
    "mean_wave_period",
    "swell_wave_period",
    "wave_direction",
    "wind_wave_period",
    "wind_wave_direction",
    "swell_wave_direction",
    "secondary_swell_wave_*",
    "tertiary_swell_wave_*",
)
