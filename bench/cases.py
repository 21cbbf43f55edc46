"""The pieces that a production hour repeats most, at 721 x 1440, each with the implementations one could use instead.

Every case yields (implementation, what it does, call). Inputs are alike within a case; `hourcast` is our own code as
the stages call it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import dask.array
import gridpp
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from pipeline.grid import Grid
from pipeline.science import blend, clusters, probability, ramp, regrid, skill
from pipeline.science.pools import boxes
from pipeline.science.weights import Weights

GRID = Grid(0.25)
CELLS = GRID.shape[0] * GRID.shape[1]
SOURCES, LEADS, MEMBERS, OBSERVATIONS = 8, 24, 30, 2000
PERCENTILES = (0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95)
THRESHOLDS = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)
CHUNK = CELLS // 16
Array = NDArray[np.float32]


class Timed(NamedTuple):
    """One implementation of a case; `moved`: no implementation, but how many bytes must at least be read and changed.

    `more` is for the record.
    """

    implementation: str
    work: str
    call: Callable[[], object]
    moved: Mapping[str, float] | None = None
    more: Mapping[str, object] = MappingProxyType({})


def _noise(*shape: int) -> Array:
    return np.random.default_rng(1).standard_normal(shape, np.float32)


def a_blend() -> Iterator[Timed]:
    """Weighted mean of 8 sources at 24 leads with weights of their own for every cell."""
    forecasts, leads = _noise(SOURCES, LEADS, CELLS), np.arange(LEADS, dtype=float)
    share = np.abs(_noise(SOURCES, 1, CELLS)) + np.float32(0.1)
    share /= share.sum(axis=0)
    plain = _weights(share, (0.0,))
    yield Timed(
        "hourcast", "bias removed, renormalised over sources present", lambda: blend.blend(forecasts, plain, leads)
    )
    binned = _weights(np.repeat(share, 4, axis=1), (6.0, 24.0, 72.0, 120.0))
    yield Timed("hourcast_lead_bins", "the same, between four lead bins", lambda: blend.blend(forecasts, binned, leads))
    yield Timed("numpy", "weighted sum only", lambda: np.einsum("slp,sp->lp", forecasts, share[:, 0]))
    wrapped, weights = xr.DataArray(forecasts, dims=("s", "l", "p")), xr.DataArray(share[:, 0], dims=("s", "p"))
    yield Timed("xarray", "weighted mean, NaN skipped", lambda: wrapped.weighted(weights).mean("s"))
    chunked, shares = dask.array.from_array(forecasts, (-1, -1, CHUNK)), dask.array.from_array(share, (-1, -1, CHUNK))
    yield Timed("dask", "weighted sum only", lambda: (chunked * shares).sum(axis=0).compute())
    moved = {"read": float(forecasts.nbytes + share.nbytes), "change": float(forecasts[0].nbytes)}  # not read first
    yield Timed("bandwidth_limit", "read once, written once", lambda: None, moved)


def _weights(share: Array, bins: tuple[float, ...]) -> Weights:
    flat = np.ones(share.shape[1:], np.float32)
    names = tuple(f"source{number}" for number in range(SOURCES))
    return Weights(names, bins, np.zeros_like(share), share, flat, flat)


def b_quantiles() -> Iterator[Timed]:
    """9 percentiles and 6 exceedance probabilities of 30 members at one lead."""
    members, centre = _noise(MEMBERS, 1, CELLS), np.zeros((1, CELLS), np.float32)
    factor = np.ones((1, CELLS), np.float32)

    def ours() -> object:
        return probability.distribution(
            members, centre, factor, PERCENTILES, THRESHOLDS, minimum=-50, maximum=50, multiplicative=False
        )

    def sorted_numpy() -> object:
        ordered = np.sort(members[:, 0], axis=0)
        position = np.asarray(PERCENTILES, np.float32) * (MEMBERS - 1)
        low = position.astype(int)
        part = (position - low)[:, None].astype(np.float32)
        quantiles = ordered[low] * (1 - part) + ordered[np.minimum(low + 1, MEMBERS - 1)] * part
        return quantiles, [(members[:, 0] > threshold).mean(axis=0) for threshold in THRESHOLDS]

    yield Timed("hourcast", "recentred, spread corrected, tails", ours)
    yield Timed("numpy", "percentiles and probabilities only", sorted_numpy)
    wrapped = xr.DataArray(members[:, 0], dims=("number", "place"))
    yield Timed("xarray", "percentiles only", lambda: wrapped.quantile(list(PERCENTILES), "number", skipna=False))
    chunked = wrapped.chunk(place=CHUNK)
    yield Timed(
        "dask", "percentiles only", lambda: chunked.quantile(list(PERCENTILES), "number", skipna=False).compute()
    )
    stack = np.moveaxis(members[:, 0].reshape(MEMBERS, *GRID.shape), 0, -1).copy()
    levels = [np.full(GRID.shape, level, np.float32) for level in PERCENTILES]
    yield Timed("gridpp", "percentiles only", lambda: [gridpp.calc_quantile(stack, level) for level in levels])
    written = (len(PERCENTILES) + len(THRESHOLDS)) * CELLS * 4
    yield Timed(
        "bandwidth_limit", "read and written once", lambda: None, {"read": members.nbytes, "change": 2 * written}
    )


def c_oi() -> Iterator[Timed]:
    """Optimal interpolation of 2,000 observations to every cell."""
    rng = np.random.default_rng(2)
    latitude, longitude = rng.uniform(-70, 70, OBSERVATIONS), rng.uniform(0, 360, OBSERVATIONS)
    departure, error = rng.standard_normal(OBSERVATIONS), np.full(OBSERVATIONS, 0.5)
    altitude = np.zeros(GRID.shape, np.float32)
    stations = ramp.Stations(latitude, longitude, np.zeros(OBSERVATIONS), departure, error)
    structure = ramp.Structure(1.0, 200e3, 500)

    def ours() -> object:
        return ramp.analysis_increment(
            departure, GRID, stations, altitude=altitude, structure=structure, background_error=1.0
        )

    yield Timed("hourcast", "as the stage `ramp` calls it", ours)
    grid = gridpp.Grid(*np.meshgrid(GRID.latitude, GRID.longitude, indexing="ij"), altitude)
    points = gridpp.Points(latitude, longitude, np.zeros(OBSERVATIONS))
    ratio, zero = np.full(OBSERVATIONS, 0.25, np.float32), np.zeros(OBSERVATIONS, np.float32)
    background, barnes = np.zeros(GRID.shape, np.float32), gridpp.BarnesStructure(200e3, 500)

    def peer() -> object:
        return gridpp.optimal_interpolation(
            grid, background, points, departure.astype(np.float32), ratio, zero, barnes, 20
        )

    yield Timed("gridpp", "the 20 nearest observations a cell", peer)
    yield Timed("bandwidth_limit", "written once", lambda: None, {"change": 2.0 * altitude.nbytes})


def d_bias() -> Iterator[Timed]:
    """Statistics of 8 sources at 24 leads brought up to date by one verified hour."""
    errors = _noise(LEADS, SOURCES, CELLS)
    names, bins = tuple(f"source{number}" for number in range(SOURCES)), tuple(float(lead) for lead in range(LEADS))
    state = skill.zero(names, bins, boxes(*GRID.places))
    for _ in range(4):  # until gross errors are bounded
        for lead in range(LEADS):
            skill.update(state, lead, errors[lead])

    def ours() -> None:
        for lead in range(LEADS):
            skill.update(state, lead, errors[lead])

    yield Timed("hourcast", "bounded bias, mean square of every fourth row, 36 covariances of pools", ours)
    bias = np.zeros((LEADS, SOURCES, CELLS), np.float32)

    def in_place() -> None:
        for lead in range(LEADS):
            np.add(bias[lead], np.float32(0.05) * (errors[lead] - bias[lead]), out=bias[lead])

    yield Timed("numpy", "bias only", in_place)
    dims = ("lead", "s", "p")
    wrapped, new = xr.DataArray(bias, dims=dims), xr.DataArray(errors, dims=dims)
    yield Timed("xarray", "bias only", lambda: wrapped + 0.05 * (new - wrapped))
    moved = {"read": float(errors.nbytes), "change": 2.0 * (state.mean.nbytes + state.square.nbytes)}
    yield Timed("bandwidth_limit", "errors read, what ours keeps changed", lambda: None, moved)


def e_bilinear() -> Iterator[Timed]:
    """24 fields of 0.5 degrees to 0.25 degrees, bilinear."""
    coarse = Grid(0.5)
    fields = _noise(LEADS, coarse.shape[0] * coarse.shape[1])
    weights = regrid.weights(*coarse.places, coarse.shape, GRID, "bilinear")
    out = np.empty((LEADS, CELLS), np.float32)
    yield Timed("hourcast", "across the date line, NaN aware", lambda: regrid.apply(weights, fields, out=out))
    yield Timed("hourcast_new_array", "the same into new memory", lambda: regrid.apply(weights, fields))
    maps = xr.DataArray(
        fields.reshape(LEADS, *coarse.shape), {"y": coarse.latitude, "x": coarse.longitude}, ("lead", "y", "x")
    )
    wanted = {"y": GRID.latitude, "x": np.minimum(GRID.longitude, 359.5)}
    yield Timed("xarray", "no date line", lambda: maps.interp(wanted))
    chunked = maps.chunk(lead=6)
    yield Timed("dask", "no date line", lambda: chunked.interp(wanted).compute())
    inputs = gridpp.Grid(*np.meshgrid(coarse.latitude, coarse.longitude, indexing="ij"))
    output = gridpp.Grid(*np.meshgrid(GRID.latitude, GRID.longitude, indexing="ij"))
    yield Timed("gridpp", "no date line", lambda: gridpp.bilinear(inputs, output, maps.values))
    moved = {"read": float(fields.nbytes), "change": 4.0 * LEADS * CELLS}  # not read first
    yield Timed("bandwidth_limit", "read and written once", lambda: None, moved)


def e_conservative() -> Iterator[Timed]:
    """24 fields of 0.25 degrees to 1 degree, area means."""
    coarse, fields = Grid(1.0), _noise(LEADS, CELLS)
    weights = regrid.weights(*GRID.places, GRID.shape, coarse, "conservative")
    yield Timed("hourcast", "polar caps right, NaN aware", lambda: regrid.apply(weights, fields))
    maps = xr.DataArray(fields.reshape(LEADS, *GRID.shape)[:, :-1], dims=("lead", "y", "x"))
    yield Timed("xarray", "plain means of 4 x 4 cells", lambda: maps.coarsen(y=4, x=4).mean())
    chunked = maps.chunk(lead=6)
    yield Timed("dask", "plain means of 4 x 4 cells", lambda: chunked.coarsen(y=4, x=4).mean().compute())
    blocks = fields.reshape(LEADS, *GRID.shape)[:, :-1].reshape(LEADS, 180, 4, 360, 4)
    yield Timed("numpy", "plain means of 4 x 4 cells", lambda: blocks.mean(axis=(2, 4)))
    yield Timed("bandwidth_limit", "read once", lambda: None, {"read": fields.nbytes})


def f_kmeans() -> Iterator[Timed]:
    """32 clusters of every cell on 16 features."""
    blobs = np.random.default_rng(3).standard_normal((32, 16)) * 2
    features = (np.repeat(blobs, CELLS // 32 + 1, axis=0)[:CELLS] + _noise(CELLS, 16)).astype(np.float64)
    np.random.default_rng(4).shuffle(features)
    previous = clusters.fit_centres(features, 32)
    yield Timed(
        "hourcast", "centres from a sample, begun at last hour's", lambda: clusters.fit_centres(features, 32, previous)
    )
    lloyd = KMeans(32, init=previous, n_init=1, max_iter=25)
    yield Timed("sklearn", "Lloyd on every cell, begun at last hour's", lambda: lloyd.fit(features.astype(np.float32)))
    yield Timed("bandwidth_limit", "read once", lambda: None, {"read": float(features.nbytes)})


CASES = {
    "a_blend": a_blend,
    "b_quantiles": b_quantiles,
    "c_oi": c_oi,
    "d_bias": d_bias,
    "e_bilinear": e_bilinear,
    "e_conservative": e_conservative,
    "f_kmeans": f_kmeans,
}
