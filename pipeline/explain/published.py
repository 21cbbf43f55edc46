"""What was published with an hour that explains it, at one cell: weights and their reasons, stations, quantiles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import unit_vectors
from pipeline.products.explanation import Station
from pipeline.products.point import EARTH_RADIUS_KM
from pipeline.steps import Deployment
from pipeline.steps.observe import read_parquet
from pipeline.steps.published import published
from pipeline.steps.runs import Contribution

STATIONS_SHOWN = 5
NAN = float("nan")


@dataclass(frozen=True)
class At:
    """A lead of a published hour and a cell of its grid."""

    deployment: Deployment
    hour: Cycle
    lead: int
    row: int
    column: int

    def published(self, name: str) -> xr.Dataset:
        """One of the hour's Zarrs at the cell."""
        return published(self.deployment, self.hour, name).isel(latitude=self.row, longitude=self.column)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The hour's provenance."""
        content: dict[str, Any] = json.loads(self.deployment.store.read(paths.forecast(self.hour, "manifest.json")))
        return content

    @cached_property
    def best(self) -> xr.Dataset:
        """The forecast here."""
        return self.published("best.zarr")

    @cached_property
    def weights(self) -> xr.Dataset:
        """The weights here."""
        return self.published("weights.zarr")

    @cached_property
    def leads(self) -> NDArray[np.int64]:
        """(lead,) all leads of the hour."""
        return self.best["lead_time"].values.astype(np.int64)

    @property
    def index(self) -> int:
        """Which of the leads it is."""
        return int(np.flatnonzero(self.leads == self.lead)[0])

    @property
    def cells(self) -> slice:
        """The cell among the flattened ones of the grid."""
        first = self.row * self.deployment.grid.shape[1] + self.column
        return slice(first, first + 1)


def contributions(at: At) -> dict[str, Contribution]:
    """The runs that were used, by source."""
    columns = (at.weights[part].values for part in ("source", "source_cycle", "source_age", "source_longer_cycle"))
    return {
        str(name): Contribution(
            str(name), Cycle.parse(str(cycle)), int(age), Cycle.parse(str(longer)) if longer else None
        )
        for name, cycle, age, longer in zip(*columns, strict=True)
        if cycle
    }


def left_out(at: At, name: str, source: str) -> dict[int, str]:
    """The leads at which a source's field here was not believed, and why."""
    latitude = float(at.best["latitude"])
    return {
        lead: item["reason"]
        for item in at.manifest["sources"][source].get("implausible", [])
        if item["parameter"] == name and min(item["latitudes"]) <= latitude <= max(item["latitudes"])
        for lead in item["leads"]
    }


def why_absent(at: At, name: str, source: str, lead: int) -> str:
    record, last = at.manifest["sources"][source], int(at.weights[f"{name}_last_lead"].sel(source=source))
    if not record["cycle"]:
        return (
            "quarantined: its files could not be used" if record["quarantined"] else "late: no usable run had arrived"
        )
    reason = left_out(at, name, source).get(lead)
    if reason:
        return f"left out: {reason}"
    if not float(at.weights["coverage"].sel(source=source)):
        return "does not cover this place"
    if last < 0:
        return "its run does not hold this"
    return f"its run ends at {last} h" if lead > last else "weighs nothing here"


def skill(at: At, name: str, source: str) -> tuple[float, float]:
    """The source's error here with its bias removed, and the pairs it is known from; NaN and 0 without history."""
    shares = at.weights[f"{name}_membership"].values
    rmse, sample = (at.weights[f"{name}_cluster_{part}"].sel(source=source).values for part in ("rmse", "sample"))
    weight, bins = sample * shares / max(float(shares.sum()), 1e-9), at.weights["lead_bin"].values
    pairs = float(np.interp(at.lead, bins, weight.sum(axis=1)))
    square = float(np.interp(at.lead, bins, (weight * np.nan_to_num(rmse) ** 2).sum(axis=1)))
    return (float(np.sqrt(square / pairs)), pairs) if pairs else (NAN, 0.0)


def clusters(at: At, name: str) -> tuple[tuple[int, float], ...]:
    """Number and share of the clusters the place belongs to, the largest first."""
    shares = at.weights[f"{name}_membership"].values
    order = np.argsort(-shares)
    return tuple((int(number), float(shares[number])) for number in order if shares[number] >= 0.01)


def guard(at: At, name: str) -> tuple[float, ...]:
    """What part of the weights here is the scheme's, equal weights and the source best so far."""
    shares = at.weights[f"{name}_membership"].values
    by_bin = at.weights[f"{name}_cluster_guard"].values @ shares / max(float(shares.sum()), 1e-9)
    return tuple(float(np.interp(at.lead, at.weights["lead_bin"].values, part)) for part in by_bin)


def stations(at: At, name: str) -> tuple[Station, ...]:
    """The nearest stations whose observations went into the increment."""
    table = read_parquet(at.deployment.store, paths.forecast(at.hour, "observations.parquet"))
    table = table[(table["parameter"] == name) & (table["flag"] == "") & ~table["withheld"].astype(bool)]
    table = table[np.isfinite(table["departure"])]
    here = unit_vectors(np.array([float(at.best["latitude"])]), np.array([float(at.best["longitude"])]))[0]
    there = unit_vectors(table["latitude"].to_numpy(float), table["longitude"].to_numpy(float))
    distance = EARTH_RADIUS_KM * np.arccos(np.clip(there @ here, -1, 1))
    nearest = np.argsort(distance, kind="stable")[:STATIONS_SHOWN]
    return tuple(
        Station(str(one["station"]), str(one["network"]), float(away), float(one["value"]), float(one["departure"]))
        for (_, one), away in zip(table.iloc[nearest].iterrows(), distance[nearest], strict=True)
    )


def between(at: At, name: str, lead: int) -> float:
    """A published figure (lead_bin,) at a lead."""
    return float(np.interp(lead, at.weights["lead_bin"].values, at.weights[name].values))


def quantiles(at: At, name: str) -> tuple[tuple[float, float], ...]:
    """(level, value) of the published distribution; empty where there is none."""
    if f"{name}_quantile" not in at.manifest["parameters"].get("probability", []):
        return ()
    values = at.published("probability.zarr")[f"{name}_quantile"].sel(lead_time=at.lead)
    return tuple(zip(values["quantile"].values.tolist(), values.values.tolist(), strict=True))
