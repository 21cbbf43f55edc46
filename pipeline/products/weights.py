"""Which source counts how much, published with every hour: maps of weights and biases, clusters, skill behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import Parameter
from pipeline.products.shard import round_to_precision
from pipeline.products.templates import Coordinate, Template, Variable, init_time, places
from pipeline.science.amounts import Correction, tables
from pipeline.science.guard import CANDIDATE_NAMES
from pipeline.science.quantile_mapping import THRESHOLDS
from pipeline.science.weights import Weights

Array = NDArray[np.float32]

WEIGHT_DIMENSIONS = ("source", "lead_bin", "latitude", "longitude")
WAVES = ("cosine", "sine")
WEIGHT_PRECISION = 0.002
"""1/256 of the whole: two sources 2 K apart then move the blend by less than 0.01 K."""
MEMBERSHIP_PRECISION = 0.005
SPREAD_PRECISION = 0.01


@dataclass(frozen=True)
class Source:
    """A source of the hour: its cycle as text, empty if none had arrived, and that cycle's age, then -1; and the cycle
    before that goes on when it has ended, empty if none does."""

    name: str
    cycle: str
    age_hours: int
    longer_cycle: str = ""


@dataclass(frozen=True)
class Learnt:
    """What is published of one parameter beside its maps.

    correction: of an amount, what is done to it, in place of a bias; last_lead: (source,) hours that its run of the
    hour reaches, -1 where it does not bring the parameter; weight, rmse, sample: (source, lead_bin, cluster) mean
    weight, error left when the bias is removed (of amounts: before they are mapped), and effective number of past pairs
    at a place; guard: (candidate, lead_bin, cluster) how much of the weights is the scheme's, equal weights and the
    source best so far; follows: whether a bias follows the sun.
    """

    row: Parameter
    correction: Correction | None
    last_lead: NDArray[np.int32]
    weight: Array
    rmse: Array
    sample: Array
    guard: Array
    follows: bool = False


def as_stored(weights: Weights, row: Parameter) -> Weights:
    """The weights rounded as they will be published, so that what is published is what the blend has used."""
    return replace(
        weights,
        bias=round_to_precision(weights.bias, row.precision),
        course=None if weights.course is None else round_to_precision(weights.course, row.precision),
        weight=round_to_precision(weights.weight, WEIGHT_PRECISION),
    )


def membership_as_stored(membership: Array) -> Array:
    """The same of the clusters' shares (cluster, place)."""
    return round_to_precision(membership, MEMBERSHIP_PRECISION)


def template(
    hour: Cycle, grid: Grid, sources: Sequence[Source], lead_bins: Sequence[float], learnt: Sequence[Learnt], *,
    synthetic: bool,
) -> Template:  # fmt: skip
    """The template of `weights.zarr`; see docs/storage.md for its arrays."""
    names = np.asarray([source.name for source in sources])
    cycles = np.asarray([source.cycle for source in sources])
    longer = np.asarray([source.longer_cycle for source in sources])
    ages = np.asarray([source.age_hours for source in sources], np.int32)
    lead = {"standard_name": "forecast_period", "long_name": "lead time that the weights are for", "units": "hours"}
    goes_on = {"long_name": "cycle used where that has ended, empty if none"}
    age = {"long_name": "age of the cycle used, -1 if none had arrived", "units": "hours"}
    coordinates = {"init_time": init_time(hour)} | places(grid)
    coordinates |= {
        "source": Coordinate(names, {"long_name": "source of the forecast"}, ("source",)),
        "source_cycle": Coordinate(cycles, {"long_name": "cycle used, empty if none had arrived"}, ("source",)),
        "source_age": Coordinate(ages, age, ("source",)),
        "source_longer_cycle": Coordinate(longer, goes_on, ("source",)),
        "lead_bin": Coordinate(np.asarray(lead_bins, np.int32), lead, ("lead_bin",)),
        "candidate": Coordinate(np.asarray(CANDIDATE_NAMES), {"long_name": "what weights are of"}, ("candidate",)),
    }
    if any(part.follows for part in learnt):
        coordinates["wave"] = Coordinate(np.asarray(WAVES), {"long_name": "of the hour of the day in UTC"}, ("wave",))
    covered = {"long_name": "share of a source's weight that counts there, 0 outside its region", "units": "1"}
    variables = [Variable("coverage", covered, WEIGHT_PRECISION, ("source", "latitude", "longitude"))]
    for part in learnt:
        variables += _maps(part)
        coordinates |= _tables(part)
    title = f"Weights and biases of the sources in the Hourcast forecast of {hour}"
    return Template(title, synthetic, grid.shape[0], tuple(variables), coordinates)


def _maps(part: Learnt) -> list[Variable]:
    row, name = part.row, part.row.name
    share = {"long_name": f"weight of the source in {row.long_name}, were all there", "units": "1"}
    bias = {"long_name": f"bias taken off the source's {row.long_name}", "units": row.units}
    belongs = {"long_name": f"share of the cell that is of the cluster, {row.long_name}", "units": "1"}
    error = {"long_name": f"expected root mean square error of {row.long_name}", "units": row.units}
    spread = {"long_name": f"factor of the ensemble's spread, {row.long_name}", "units": "1"}
    by_bin = WEIGHT_DIMENSIONS[1:]
    removed = [Variable(f"{name}_bias", bias, row.precision, WEIGHT_DIMENSIONS)] if part.correction is None else []
    if part.follows:
        sun = {"long_name": f"bias of {row.long_name} beside it, times cosine and sine of the hour", "units": row.units}
        removed.append(Variable(f"{name}_course", sun, row.precision, ("wave", *WEIGHT_DIMENSIONS)))
    return [
        Variable(f"{name}_weight", share, WEIGHT_PRECISION, WEIGHT_DIMENSIONS),
        *removed,
        Variable(f"{name}_membership", belongs, MEMBERSHIP_PRECISION, (f"{name}_cluster", "latitude", "longitude")),
        Variable(f"{name}_expected_error", error, row.precision, by_bin),
        Variable(f"{name}_spread_factor", spread, SPREAD_PRECISION, by_bin),
    ]


def _tables(part: Learnt) -> dict[str, Coordinate]:
    row, name = part.row, part.row.name
    axis = (f"{name}_cluster",)
    dimensions = ("source", "lead_bin", *axis)
    reach = {"long_name": f"last lead of the source's {row.long_name}, -1 if it has none", "units": "hours"}
    left = "after its bias is removed" if part.correction is None else "before it is mapped"
    rmse = {"long_name": f"root mean square error of the source's {row.long_name} {left}", "units": row.units}
    sample = {"long_name": f"effective number of past pairs at a place, {row.long_name}", "units": "1"}
    weight = {"long_name": f"mean weight of the source in the cluster, {row.long_name}", "units": "1"}
    guard = {"long_name": f"share of the candidate in the weights of {row.long_name}", "units": "1"}
    number = {"long_name": f"number of the cluster, {row.long_name}"}
    return {
        axis[0]: Coordinate(np.arange(part.rmse.shape[-1], dtype=np.int32), number, axis),
        f"{name}_last_lead": Coordinate(part.last_lead.astype(np.int32), reach, ("source",)),
        f"{name}_cluster_weight": Coordinate(part.weight.astype(np.float32), weight, dimensions),
        f"{name}_cluster_rmse": Coordinate(part.rmse.astype(np.float32), rmse, dimensions),
        f"{name}_cluster_sample": Coordinate(part.sample.astype(np.float32), sample, dimensions),
        f"{name}_cluster_guard": Coordinate(part.guard.astype(np.float32), guard, ("candidate", "lead_bin", *axis)),
        **_correction(part),
    }


def _correction(part: Learnt) -> dict[str, Coordinate]:
    """What is done to an amount; empty for another parameter."""
    if part.correction is None:
        return {}
    row, name = part.row, part.row.name
    said = {
        "mapping": (f"logarithm of mapped over forecast {row.long_name}", "1"),
        "blended_amount": (f"weighted mean of the sources' mapped {row.long_name}", row.units),
        "expected_amount": (f"{row.long_name} to expect where the mean is the blended amount", row.units),
        "driest_amount": (f"mean below which the forecast is dry, {row.long_name}", row.units),
    }
    own = {"cluster", "amount", "node"}
    axis = (f"{name}_amount",)
    found = {axis[0]: Coordinate(THRESHOLDS, {"long_name": f"forecast {row.long_name}", "units": row.units}, axis)}
    for table, (dimensions, values) in tables(part.correction).items():
        axes = tuple(f"{name}_{axis}" if axis in own else axis for axis in dimensions)
        long_name, units = said[table]
        found[f"{name}_{table}"] = Coordinate(values, {"long_name": long_name, "units": units}, axes)
    return found


def as_used(data: xr.Dataset, name: str) -> Array:
    """(source, lead_bin, ...) weights of a parameter at the hour: absent sources have none, their share is the others'.

    data: `weights.zarr`, whole or cut to some cells. Zero everywhere that no source is.
    """
    cells = data[f"{name}_weight"].dims[2:]
    reached = data["lead_bin"] <= data[f"{name}_last_lead"]
    share = (data[f"{name}_weight"].fillna(0) * data["coverage"] * reached).transpose("source", "lead_bin", *cells)
    return share_of_total(np.asarray(share.values, np.float32))


def share_of_total(weight: Array) -> Array:
    """Weights (source, ...) divided by their sum over the sources; zero where that is zero."""
    total = weight.sum(axis=0)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
