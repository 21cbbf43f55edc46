"""MPAS-Atmosphere's output as the catalogue's parameters, cell by cell on its unstructured mesh.

Cells carry their centres in radians; the isobaric diagnostics come at the catalogue's levels, humidity in per cent;
totals count whole buckets apart, as in WRF. MPAS-Atmosphere Users' Guide 8, appendix D.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from netCDF4 import Dataset
from numpy.typing import NDArray

from models.base import Fields
from models.native import Array, OpenedAccumulations, time_of, total_cloud_cover
from models.wrf_air import EPSILON, GAS_CONSTANT, GRAVITY, dew_point

PRESSURE_LEVELS = (925, 850, 700, 500, 250)  # hPa, the catalogue's
_DIRECT = {
    "temperature_2m": "t2m",
    "eastward_wind_10m": "u10",
    "northward_wind_10m": "v10",
    "surface_pressure": "surface_pressure",
    "pressure_at_sea_level": "mslp",
    "skin_temperature": "skintemp",
    "precipitable_water": "precipw",
    "convective_available_potential_energy": "cape",
    "boundary_layer_height": "hpbl",
    "snow_depth": "snowh",
    "sea_ice_fraction": "xice",
    **{
        f"{name}_{level}hpa": f"{variable}_{level}hPa"
        for level in PRESSURE_LEVELS
        for name, variable in (
            ("temperature", "temperature"),
            ("geopotential_height", "height"),
            ("relative_humidity", "relhum"),
            ("eastward_wind", "uzonal"),
            ("northward_wind", "umeridional"),
        )
    },
}
_AMOUNTS = {
    "precipitation": ("rainc", "rainnc"),
    "convective_precipitation": ("rainc",),
    "snowfall": ("snownc",),
}
_ENERGIES = {"surface_downwelling_shortwave_flux": "acswdnb", "surface_downwelling_longwave_flux": "aclwdnb"}
_WATER_BUCKETS = {"rainc": "config_bucket_rainc", "rainnc": "config_bucket_rainnc"}
_ENERGY_BUCKET = "config_bucket_radt"
_PER_CENT = "relative_humidity_"
_FOR_OTHERS = ("q2", "w_700hPa", "cldfrac")
VARIABLES = tuple(
    dict.fromkeys(
        (
            *_DIRECT.values(), *_FOR_OTHERS, *(part for parts in _AMOUNTS.values() for part in parts),
            *_ENERGIES.values(), *(f"i_{name}" for name in (*_WATER_BUCKETS, *_ENERGIES.values())),
        )
    )
)  # fmt: skip
"""What a run must write for all that is read here."""
PARAMETERS = frozenset(
    (
        *_DIRECT, *_AMOUNTS, *_ENERGIES, "wind_speed_10m", "dew_point_temperature_2m", "pressure_velocity_700hpa",
        "total_cloud_cover",
    )
)  # fmt: skip
"""The catalogue's parameters that a run brings."""


def grid(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude (cell,) of the cells' centres of a mesh file, degrees north and east."""
    with Dataset(path) as file:
        latitude, longitude = (np.rad2deg(np.asarray(file[name][:], np.float64)) for name in ("latCell", "lonCell"))
    return latitude, longitude


def read(paths: Sequence[Path]) -> Iterator[tuple[datetime, Fields]]:
    """Every output of a run's files in order: catalogue name to (cell,), whatever the files' variables suffice for.

    Amounts are since the output before, fluxes the mean since then: the first output has neither.
    """
    opened = OpenedAccumulations()
    for path in paths:
        with Dataset(path) as file:
            for step in range(len(file.dimensions["Time"])):
                when = time_of(file["xtime"][step])
                now = {**_instant(file, step), **_since_before(file, step, opened, when)}
                yield when, now


def _variable(file: Dataset, step: int, name: str) -> Array:
    return np.ma.filled(file[name][step], np.nan).astype(np.float32)


def _instant(file: Dataset, step: int) -> dict[str, Array]:
    has = file.variables.keys()
    fields = {name: _variable(file, step, variable) for name, variable in _DIRECT.items() if variable in has}
    for name in [name for name in fields if name.startswith(_PER_CENT)]:
        fields[name] = np.clip(fields[name] / np.float32(100), 0, 1)
    if {"u10", "v10"} <= has:
        fields["wind_speed_10m"] = np.hypot(fields["eastward_wind_10m"], fields["northward_wind_10m"])
    if {"q2", "surface_pressure"} <= has:
        fields["dew_point_temperature_2m"] = dew_point(_variable(file, step, "q2"), fields["surface_pressure"])
    if {"w_700hPa", "temperature_700hPa"} <= has:
        fields["pressure_velocity_700hpa"] = _pressure_velocity(file, step)
    if "cldfrac" in has:
        fields["total_cloud_cover"] = total_cloud_cover(_variable(file, step, "cldfrac").T)
    return fields


def _pressure_velocity(file: Dataset, step: int) -> Array:
    """Pa s-1 at 700 hPa: -w times gravity and the density of moist air, its vapour from the relative humidity."""
    warmth = _variable(file, step, "temperature_700hPa")
    vapour = np.zeros_like(warmth)
    if "relhum_700hPa" in file.variables:
        saturated = 611.2 * np.exp(17.67 * (warmth - 273.15) / (warmth - 29.65))
        vapour = (_variable(file, step, "relhum_700hPa") / 100 * saturated).astype(np.float32)
    density = (70000.0 - (1 - EPSILON) * vapour) / (GAS_CONSTANT * warmth)
    return (-GRAVITY * density * _variable(file, step, "w_700hPa")).astype(np.float32)


def _since_before(file: Dataset, step: int, opened: OpenedAccumulations, when: datetime) -> dict[str, Array]:
    """Amounts in kg m-2 since the output before, and mean fluxes in W m-2."""
    has = file.variables.keys()
    totals = {
        name: np.sum([_total(file, step, part, _WATER_BUCKETS.get(part, "")) for part in parts if part in has], axis=0)
        for name, parts in _AMOUNTS.items()
        if parts[0] in has
    }
    totals |= {name: _total(file, step, part, _ENERGY_BUCKET) for name, part in _ENERGIES.items() if part in has}
    return {
        name: amount / np.float32(hours * 3600) if name in _ENERGIES else amount
        for name, (amount, hours) in opened(when, None, totals).items()
    }


def _total(file: Dataset, step: int, name: str, bucket_attribute: str) -> NDArray[np.float64]:
    bucket = float(getattr(file, bucket_attribute, 0)) if bucket_attribute else 0.0
    total = _variable(file, step, name).astype(np.float64)
    if bucket > 0 and f"i_{name}" in file.variables:
        total += _variable(file, step, f"i_{name}").astype(np.float64) * bucket
    return total
