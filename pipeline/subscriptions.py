"""What a customer gets of every hour: parameters, leads, region, formats and where to; refused if it cannot be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.grid import Area, Grid
from pipeline.parameters import catalogue

Format = Literal["grib2", "netcdf", "geotiff", "geoparquet", "csv"]
TABLES: frozenset[Format] = frozenset({"geoparquet", "csv"})
"""Formats that hold places instead of a grid."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PART = re.compile(r"[A-Za-z0-9_=+-][A-Za-z0-9._=+-]*")  # of a prefix; so neither `..` nor hidden nor empty
Degrees = Annotated[float, Field(ge=-180, le=360)]


class Section(BaseModel):
    """A part of `forecast.yaml`: no unknown keys, no change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(Section):
    """A place by name; degrees north and east."""

    name: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Degrees


class Region(Section):
    """A box in degrees, from `west` eastwards to `east`: over the date line where `west` is the greater."""

    north: Annotated[float, Field(ge=-90, le=90)] = 90
    south: Annotated[float, Field(ge=-90, le=90)] = -90
    west: Degrees = 0
    east: Degrees = 360

    @model_validator(mode="after")
    def _stands_upright(self) -> Self:
        if self.north < self.south:
            raise ValueError(f"expected `north` of `south` or more; found {self.north:g} below {self.south:g}")
        return self

    def area(self, grid: Grid) -> Area:
        """The grid points inside; empty where the box lies between them."""
        return grid.area(north=self.north, south=self.south, west=self.west, east=self.east)


class Leads(Section):
    """Lead hours from `first` to `last` by `step`; without `last` to the end of the forecast."""

    first: Annotated[int, Field(ge=0)] = 0
    last: Annotated[int, Field(ge=0)] | None = None
    step: Annotated[int, Field(ge=1)] = 1

    def hours(self, end: int) -> tuple[int, ...]:
        """The hours of a forecast that reaches to `end`."""
        return tuple(range(self.first, (end if self.last is None else self.last) + 1, self.step))


class Subscription(Section):
    """One customer's order; `parameters` may be patterns such as `temperature_*hpa`.

    `destination` is `exports/<customer>` in the deployment's store, as without one, or a bucket of their own.
    """

    parameters: tuple[str, ...] = Field(min_length=1)
    formats: tuple[Format, ...] = Field(min_length=1)
    leads: Leads = Leads()
    region: Region = Region()
    places: tuple[Place, ...] = ()
    destination: str = ""

    @field_validator("parameters")
    @classmethod
    def _are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for wanted in value:
            if not _matches(wanted):
                near = get_close_matches(wanted, catalogue(), n=3) or ["docs/parameters.md lists them"]
                raise ValueError(
                    f"expected parameters of the catalogue, {wanted!r} is none; did you mean {' or '.join(near)}?"
                )
        return value

    @model_validator(mode="after")
    def _has_places_for_tables(self) -> Self:
        tables = [name for name in self.formats if name in TABLES]
        if tables and not self.places:
            raise ValueError(f"expected `places` for the format {tables[0]}, which is a table of them; found none")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, patterns resolved, in the order of the catalogue."""
        chosen = {name for wanted in self.parameters for name in _matches(wanted)}
        return tuple(name for name in catalogue() if name in chosen)


def _matches(wanted: str) -> list[str]:
    return [name for name in catalogue() if fnmatchcase(name, wanted)]


def check(subscriptions: Mapping[str, Subscription], store: str, grid: Grid, last_lead: int) -> None:
    """ValueError, naming the customer, if an order is empty on this grid or would be written where another's lies."""
    for customer, order in subscriptions.items():
        if not _NAME.fullmatch(customer):
            raise ValueError(f"expected customers' names of a-z, 0-9, - and _, 63 at most; found {customer!r}")
        _check_order(customer, order, grid, last_lead)
        _check_destination(customer, order, store)
    own = [(customer, _location(order.destination)) for customer, order in subscriptions.items() if _is_url(order)]
    for number, (customer, location) in enumerate(own):
        for other, taken in own[:number]:
            if _overlap(location, taken):
                raise ValueError(f"{customer}: expected a `destination` of its own; found one that {other} writes to")


def _check_order(customer: str, order: Subscription, grid: Grid, last_lead: int) -> None:
    if order.leads.last is not None and order.leads.last > last_lead:
        raise ValueError(
            f"{customer}: expected leads to {last_lead} h, where the forecast ends; found {order.leads.last}"
        )
    if not order.leads.hours(last_lead):
        raise ValueError(f"{customer}: expected a lead at least; found none from {order.leads.first} h on")
    area = order.region.area(grid)
    if 0 in area.shape:
        raise ValueError(
            f"{customer}: expected a region with a grid point in it; found none, every {grid.resolution:g}°"
        )
    for place in order.places:
        if not _holds(order.region, place):
            raise ValueError(f"{customer}: expected places inside the region; found {place.name} outside")


def _holds(region: Region, place: Place) -> bool:
    circle = region.east - region.west >= 360
    inside = circle or (place.longitude - region.west) % 360 <= (region.east - region.west) % 360
    return inside and region.south <= place.latitude <= region.north


def _is_url(order: Subscription) -> bool:
    return "://" in order.destination


def _check_destination(customer: str, order: Subscription, store: str) -> None:
    if not order.destination:
        return
    if not _is_url(order):
        if order.destination.rstrip("/") != f"exports/{customer}":
            raise ValueError(
                f"{customer}: expected the destination exports/{customer} or a bucket of their own, such as "
                f"s3://bucket/prefix; found {order.destination!r}"
            )
        return
    scheme, _, rest = order.destination.partition("://")
    parts = rest.strip("/").split("/")
    if scheme not in ("s3", "file") or not all(_PART.fullmatch(part) for part in parts):
        raise ValueError(f"{customer}: expected s3://bucket/prefix or file:///folder; found {order.destination!r}")
    if _overlap(_location(order.destination), _location(store)):
        raise ValueError(
            f"{customer}: expected a bucket or folder outside the store {store}; found {order.destination!r}"
        )


def _location(url: str) -> tuple[str, ...]:
    """Scheme and parts, so that one lies in another if it begins like it."""
    scheme, separator, rest = url.partition("://")
    if scheme == "file" or not separator:
        return ("file", *Path(rest if separator else url).expanduser().resolve().parts[1:])
    return (scheme, *(part for part in rest.split("/") if part))


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
