"""How parameters are said to people: short titles, customary units, digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import parameters

TITLES = {
    "temperature_2m": "2 m temperature",
    "dew_point_temperature_2m": "2 m dew point",
    "wind_speed_10m": "10 m wind",
    "wind_gust": "Gust",
    "precipitation": "Precipitation",
    "total_cloud_cover": "Cloud cover",
    "pressure_at_sea_level": "Sea-level pressure",
    "significant_wave_height": "Wave height",
}  # also the order in which parameters are shown
_UNITS = {"Pa": ("hPa", 0.01), "1": ("%", 100.0), "kg m-2": ("mm", 1.0), "m s-1": ("m/s", 1.0), "degree": ("°", 1.0)}

_DIFFERENCES = (
    "depression", "difference", "totals_index", "k_index", "showalter", "lifted", "degree", "range_24h", "change_24h",
    "atmosphere_deviation", "temperature_drop", "jefferson", "s_index", "thompson", "bradbury", "humidity_index",
    "deep_convective", "thermal_index",
)  # fmt: skip


@dataclass(frozen=True)
class Display:
    """A parameter's title and units; `units` of differences such as errors are the same but K for °C."""

    title: str
    units: str
    difference_units: str
    factor: float
    offset: float
    digits: int

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Values in display units."""
        return values * self.factor + self.offset


def is_difference(row: parameters.Parameter) -> bool:
    """Whether a parameter in kelvins is a difference of temperatures, or counts them, and is no temperature itself."""
    return row.units != "K" or any(word in row.name for word in _DIFFERENCES)


def display(name: str) -> Display:
    """How to show the parameter `name`; one that the catalogue lacks is shown as it is stored."""
    row = parameters.catalogue().get(name)
    if row is None:
        return Display(name.replace("_", " "), "", "", 1.0, 0.0, 2)
    title = TITLES.get(name, row.long_name[:1].upper() + row.long_name[1:])
    if row.units == "K" and is_difference(row):
        return Display(title, "K", "K", 1.0, 0.0, 1)
    if row.units == "K":
        return Display(title, "°C", "K", 1.0, -273.15, 1)
    units, factor = _UNITS.get(row.units, (row.units, 1.0))
    digits = 0 if row.precision * factor >= 0.2 or units == "hPa" else 1
    return Display(title, units, units, factor, 0.0, digits)
