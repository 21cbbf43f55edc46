"""Statistics of the ensemble that is made here, a step at a time, and their arrays beside its members.

A job that integrates all members makes them on its device, so that nobody reads the members again; those of an ensemble
that was shared out, or that has lost a member, are made of what was stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

from pipeline.parameters import QUANTILES, Attribute, Parameter, blended
from pipeline.science import regrid
from pipeline.science.member_statistics import statistics
from pipeline.sources.fourcastnet import PARAMETERS
from pipeline.steps.input_store import CHUNK_BYTES, CHUNK_KEYS, LEVEL, plain_array, rounded
from pipeline.steps.packing import Packing

Array = NDArray[np.float32]

PROBABILITY_PRECISION = 0.005
_AXES = {"mean": (), "spread": (), "quantile": ("quantile",), "exceedance": ("{}_threshold",)}
_LONG_NAMES = {
    "mean": "mean of the members' {}", "spread": "standard deviation of the members' {}",
    "quantile": "quantile of the members' {}", "exceedance": "share of the members whose {} exceeds the threshold",
}  # fmt: skip
_CELL_METHODS = {"mean": "realization: mean", "spread": "realization: standard_deviation"}


def step_key(step: int) -> str:
    """Where the statistics of a step lie in the hour's folder of the model."""
    return f"statistics/{step:03d}.npy"


def of_ordered(ordered: Any) -> list[Any]:
    """The maps of a step, of all PARAMETERS one after the other; ordered: (member, parameter, latitude, longitude) of
    numpy or torch, sorted along the members."""
    made = [
        statistics(ordered[:, place], QUANTILES, blended()[name].thresholds) for place, name in enumerate(PARAMETERS)
    ]
    return [one for kinds in made for maps in kinds.values() for one in maps]


def _arrays() -> Iterator[tuple[Parameter, str, tuple[float, ...]]]:
    """Parameter, kind and what its maps stand for, of every array, in the order of `of_ordered`."""
    for row in (blended()[name] for name in PARAMETERS):
        yield row, "mean", (0.0,)
        yield row, "spread", (0.0,)
        yield row, "quantile", QUANTILES
        if row.thresholds:
            yield row, "exceedance", row.thresholds


def _range(row: Parameter, kind: str) -> tuple[float, float]:
    if kind == "exceedance":
        return 0.0, 1.0
    return (0.0, row.maximum - row.minimum) if kind == "spread" else (row.minimum, row.maximum)


PACKING = Packing.of([_range(row, kind) for row, kind, values in _arrays() for _ in values])


def create(group: zarr.Group, leads: int, grid: tuple[int, int]) -> None:
    """Add empty arrays `<parameter>_<kind>` for as many leads and the grid's shape, and the axes that they have beside
    the group's own."""
    about = {"standard_name": "quantile", "long_name": "quantile of the members", "units": "1"}
    plain_array(group, "quantile", np.asarray(QUANTILES), ("quantile",), **about)
    for row, kind, values in _arrays():
        axes = tuple(axis.format(row.name) for axis in _AXES[kind])
        if kind == "exceedance":
            about = {"long_name": f"threshold of {row.long_name}", "units": row.units}
            plain_array(group, axes[0], np.asarray(values), axes, **about)
        leading = (len(values),) if axes else ()
        group.create_array(
            f"{row.name}_{kind}",
            shape=(*leading, leads, *grid),
            chunks=(*leading, len(blocks(range(leads), grid)[0]), *grid),
            dtype="float32",
            fill_value=np.nan,
            compressors=BloscCodec(cname="lz4", clevel=LEVEL, shuffle="bitshuffle", typesize=4),
            dimension_names=(*axes, "lead_time", "latitude", "longitude"),
            chunk_key_encoding=CHUNK_KEYS,
            attributes=dict(_attributes(row, kind)),
        )


def blocks(steps: range, grid: tuple[int, int]) -> list[range]:
    """Steps whose maps lie in one chunk each: as many as make CHUNK_BYTES of a single map's series, at least one."""
    size = max(1, CHUNK_BYTES // (4 * grid[0] * grid[1]))
    return [steps[first : first + size] for first in range(0, len(steps), size)]


def fill(group: zarr.Group, leads: slice, maps: Array, weights: regrid.Weights) -> None:
    """Store maps (lead, map, latitude, longitude) at the `leads` of a block, brought to the group's grid."""
    arrays = [(row, kind) for row, kind, values in _arrays() for _ in values]
    vectors = [row.kind == "vector_component" and kind == "mean" for row, kind in arrays]
    flat = maps.reshape(*maps.shape[:2], -1)
    fields = regrid.apply(weights, flat)
    fields[:, vectors] = regrid.apply(weights, flat[:, vectors], vector=True)
    first = 0
    for row, kind, values in _arrays():
        array = group[f"{row.name}_{kind}"]
        assert isinstance(array, zarr.Array)
        part = rounded(fields[:, first : first + len(values)], _precision(row, kind))
        array[..., leads, :, :] = part.swapaxes(0, 1).reshape(*array.shape[:-3], len(part), *array.shape[-2:])
        first += len(values)


def _precision(row: Parameter, kind: str) -> float:
    return PROBABILITY_PRECISION if kind == "exceedance" else row.precision


def _attributes(row: Parameter, kind: str) -> dict[str, Attribute]:
    """CF-1.11 attributes of an array."""
    units = "1" if kind == "exceedance" else row.units
    named: dict[str, Attribute] = {"long_name": _LONG_NAMES[kind].format(row.long_name), "units": units}
    named["precision"] = _precision(row, kind)
    if kind in _CELL_METHODS:
        named |= {"standard_name": row.standard_name, "cell_methods": _CELL_METHODS[kind]}
    return named
