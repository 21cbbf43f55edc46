"""One parameter's observations against the blend: which to believe, how far they are off for good, what they add."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.grid import Grid
from pipeline.observations import quality
from pipeline.parameters import parameter
from pipeline.science import station_bias
from pipeline.science.interpolate import bilinear
from pipeline.science.ramp import analysis_increment, departures
from pipeline.science.ramp_structure import (
    STRUCTURES,
    Stations,
    Structure,
    background_error,
    fit,
    observation_scale,
)

Floats = NDArray[np.floating]

_HEIGHT_LIMIT = 800.0  # m between station and model ground, beyond which the lapse rate is a guess
_AT_SEA_LEVEL = ("pressure_at_sea_level", "significant_wave_height", "mean_wave_period")
_AT_SEA = ("ndbc",)  # networks whose stations float or stand in water
_GROSS = 4.0  # standard deviations at which a residual ends: one wild report is not a bias


@dataclass(frozen=True)
class Background:
    """The blend at lead 0, its error relative to the usual, the ground in m and the fraction of land, all (latitude,
    longitude). `error`: the usual standard deviation as learnt, None where nothing has been."""

    field: Floats
    relative_error: Floats
    altitude: Floats
    land: Floats
    error: float | None = None


@dataclass(frozen=True)
class Assimilation:
    """`table` with `flag`, `departure` and `bias` of every row; the increment (latitude, longitude); the stations'
    record with this hour."""

    table: pd.DataFrame
    increment: NDArray[np.float32]
    record: pd.DataFrame


def relative_error(variance: Floats) -> Floats:
    """Where the blend errs more or less than usual, from its error variance as learnt: 1 in the median, 1/4 to 4."""
    known = np.where(np.isfinite(variance) & (variance > 0), variance, np.nan)
    if not np.isfinite(known).any():
        return np.ones(variance.shape)
    return np.nan_to_num(np.clip(np.sqrt(known / np.nanmedian(known)), 0.25, 4), nan=1.0)


def usual_error(variance: Floats, structure: Structure) -> float | None:
    """Standard deviation of the blend's error in the median place, as learnt; None where it cannot be meant.

    Without history the variance is a mere number: only one within a quarter and four times the structure's counts.
    """
    known = variance[np.isfinite(variance) & (variance > 0)]
    error = float(np.sqrt(np.median(known))) if known.size else np.nan
    return error if structure.background_error / 4 <= error <= structure.background_error * 4 else None


def stations_of(table: pd.DataFrame) -> Stations:
    """The rows of a table of observations; stations at sea feel no land, those ashore what the grid has."""
    latitude, longitude, elevation, value, error = (
        table[column].to_numpy(float) for column in ("latitude", "longitude", "elevation", "value", "error")
    )
    land = np.where(table["network"].isin(_AT_SEA), 0.0, np.nan)
    return Stations(latitude, longitude, elevation, value, error, land)


def names_of(table: pd.DataFrame) -> NDArray[np.str_]:
    """(row,) network and name: buoys and stations ashore have numbers of five figures, and some the same."""
    return (table["network"] + " " + table["station"]).to_numpy(str)


def assimilate(name: str, table: pd.DataFrame, blend: Background, grid: Grid, record: pd.DataFrame) -> Assimilation:
    """What the table, of observations of one parameter, adds to the blend.

    `record`: the stations' residuals of past hours (see `station_bias`). `departure` is before the correction of
    `bias`. The increment comes of the good rows that are not withheld; 0 where the blend has no value.
    """
    structure, stations = _prior(name, blend), stations_of(table)
    departure = departures(blend.field, grid, stations, altitude=blend.altitude, lapse_rate=structure.lapse_rate)
    bias = station_bias.estimate(record, names_of(table))
    corrected = departure - bias.value
    trusted = replace(stations, error=np.hypot(stations.error, bias.error))
    relative = bilinear(blend.relative_error, grid, stations.latitude, stations.longitude)
    flag, error = _check(name, structure, trusted, corrected, relative, blend, grid)
    used = (flag == "") & np.isfinite(departure) & ~table["withheld"].to_numpy(bool)
    good = _chosen(trusted, used)
    # As if the blend erred alike everywhere: its error's size and reach are one question, where it is larger another.
    alike, stated = corrected[used] / relative[used], good.error / relative[used]
    fitted = fit(alike, replace(good, error=stated), structure)
    good = replace(good, error=good.error * observation_scale(alike, stated, fitted.background_error))
    increment = analysis_increment(
        corrected[used], grid, good, altitude=blend.altitude, structure=fitted, land=blend.land,
        background_error=fitted.background_error * blend.relative_error,
    )  # fmt: skip
    return Assimilation(
        table.assign(flag=flag, departure=departure, bias=bias.value),
        np.where(np.isfinite(blend.field), increment, np.float32(0)),
        _remember(record, table, stations, departure, corrected, trusted.error, used, error, structure),
    )


def _prior(name: str, blend: Background) -> Structure:
    structure = STRUCTURES[name]
    return structure if blend.error is None else replace(structure, background_error=blend.error)


def _chosen(stations: Stations, used: NDArray[np.bool_]) -> Stations:
    return replace(stations, **{name: values[used] for name, values in vars(stations).items()})


def _check(
    name: str, structure: Structure, stations: Stations, departure: Floats, relative: Floats, blend: Background,
    grid: Grid,
) -> tuple[NDArray[np.str_], Floats]:  # fmt: skip
    """Why not to believe an observation, empty where there is no reason (see `quality`); the blend's error there."""
    flag = quality.check_range(parameter(name), stations.value)
    if name not in _AT_SEA_LEVEL:
        ground = bilinear(blend.altitude, grid, stations.latitude, stations.longitude)
        flag = np.where(flag == "", quality.check_elevation(stations.elevation, ground, _HEIGHT_LIMIT), flag)
    usable = (flag == "") & np.isfinite(departure)
    error = relative * background_error(
        departure[usable] / relative[usable], stations.error[usable] / relative[usable], structure.background_error
    )
    doubt = quality.check_departures(
        stations.latitude, stations.longitude, np.where(usable, departure, np.nan), observation_error=stations.error,
        background_error=error, horizontal=structure.horizontal,
    )  # fmt: skip
    return np.where(flag == "", doubt, flag), error


def _remember(
    record: pd.DataFrame, table: pd.DataFrame, stations: Stations, departure: Floats, corrected: Floats,
    trusted_error: Floats, used: NDArray[np.bool_], error: Floats, structure: Structure,
) -> pd.DataFrame:  # fmt: skip
    """The record with this hour: every station's departure less what its neighbours foretell of it.

    Neighbours speak corrected, the station as it reports; one flagged today has its say on itself all the same, for
    whoever is wrong every day would otherwise never be known to be.
    """
    expected, share = quality.foretold(
        stations.latitude, stations.longitude, corrected, used, observation_error=trusted_error,
        background_error=error, horizontal=structure.horizontal,
    )  # fmt: skip
    gross = _GROSS * np.sqrt(stations.error**2 + (1 - share) * error**2)
    residual = np.clip(departure - expected, -gross, gross)
    return station_bias.update(record, names_of(table), residual, share)
