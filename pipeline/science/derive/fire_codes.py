"""The Canadian Fire Weather Index, carried from noon to noon: Van Wagner and Pickett (1985), Van Wagner (1987).

Codes keep their value until the hour in which the sun stands highest. Each is a state: the value at a lead, given as
`<name>_start` to a later derivation whose first hour that is, goes on as if there had been no break. Without, the
season begins with the standard's values. `step_*` are the day's equations: degC, %, km h-1, mm of the past 24 hours.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.science.derive.thermo import FREEZING, Field

STANDARD_START = {"fine_fuel": 85.0, "duff": 6.0, "drought": 15.0}
KMH = 3.6
DAY_LENGTHS = np.array(
    [
        [11.5, 10.5, 9.2, 7.9, 6.8, 6.2, 6.5, 7.4, 8.7, 10.0, 11.2, 11.8],
        [10.1, 9.6, 9.1, 8.5, 8.1, 7.8, 7.9, 8.3, 8.9, 9.4, 9.9, 10.2],
        [9.0] * 12,
        [7.9, 8.4, 8.9, 9.5, 9.9, 10.2, 10.1, 9.7, 9.1, 8.6, 8.1, 7.8],
        [6.5, 7.5, 9.0, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8.0, 7.0, 6.0],
    ],
    np.float32,
)
"""Effective hours by latitude (to 30 S, 15 S, 15 N, 30 N, beyond) and month. Lawson and Armitage (2008), table A3.1."""
DROUGHT_FACTORS = np.array(
    [
        [6.4, 5.0, 2.4, 0.4, -1.6, -1.6, -1.6, -1.6, -1.6, 0.9, 3.8, 5.8],
        [1.4] * 12,
        [-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6],
    ],
    np.float32,
)
"""By latitude (to 15 S, 15 N, beyond) and month. Lawson and Armitage (2008), table A3.2."""


def month_of(day_of_year: Field) -> Field:
    """0 to 11, months of equal length."""
    return np.clip((np.nan_to_num(day_of_year, nan=1.0) - 1) * np.float32(12 / 365.25), 0, 11).astype(np.intp)


def day_length(latitude: Field, day_of_year: Field) -> Field:
    """h that the duff dries, of `DAY_LENGTHS`."""
    band = np.searchsorted([-30, -15, 15, 30], latitude, side="left")
    return DAY_LENGTHS[band, month_of(day_of_year)]


def drought_factor(latitude: Field, day_of_year: Field) -> Field:
    """mm a day that deep layers dry beside what heat does, doubled: of `DROUGHT_FACTORS`."""
    band = np.searchsorted([-15, 15], latitude, side="left")
    return DROUGHT_FACTORS[band, month_of(day_of_year)]


def step_fine_fuel(code: Field, celsius: Field, percent: Field, kmh: Field, rain: Field) -> Field:
    """Fine fuel moisture code after a day. Van Wagner and Pickett (1985), eqs. 1 to 10."""
    held = 147.2 * (101 - code) / (59.5 + code)
    wet = np.maximum(rain - 0.5, 0)
    soaked = 42.5 * wet * np.exp(-100 / (251 - np.minimum(held, 250))) * (1 - np.exp(-6.93 / np.maximum(wet, 1e-3)))
    soaked = soaked + 0.0015 * np.maximum(held - 150, 0) ** 2 * np.sqrt(wet)
    held = np.minimum(held + soaked, 250)
    damp = np.exp((percent - 100) / 10)
    heat = 0.18 * (21.1 - celsius) * (1 - np.exp(-0.115 * percent))
    driest = 0.942 * percent**0.679 + 11 * damp + heat
    wettest = 0.618 * percent**0.753 + 10 * damp + heat
    drying, wetting = held > driest, held < np.minimum(wettest, driest)
    share = np.where(drying, percent, 100 - percent) / 100
    rate = 0.424 * (1 - share**1.7) + 0.0694 * np.sqrt(kmh) * (1 - share**8)
    left = np.exp(-2.302585 * 0.581 * rate * np.exp(np.minimum(0.0365 * celsius, 20)))
    limit = np.where(drying, driest, wettest)
    held = np.where(drying | wetting, limit + (held - limit) * left, held)
    return np.clip(59.5 * (250 - held) / (147.2 + held), 0, 101)


def step_duff(code: Field, celsius: Field, percent: Field, rain: Field, hours: Field) -> Field:
    """Duff moisture code after a day. Van Wagner and Pickett (1985), eqs. 11 to 17."""
    drying = 1.894e-4 * np.maximum(celsius + 1.1, 0) * (100 - percent) * hours
    wet = 0.92 * np.maximum(rain, 1.5) - 1.27
    log = np.log(np.maximum(code, 1))
    slope = np.where(code <= 33, 100 / (0.5 + 0.3 * code), np.where(code <= 65, 14 - 1.3 * log, 6.2 * log - 17.2))
    moisture = 280 * np.exp(-0.023 * code) + 1000 * wet / (48.77 + slope * wet)
    rained = np.maximum(43.43 * (5.6348 - np.log(moisture)), 0)
    return np.where(rain > 1.5, rained, code) + drying


def step_drought(code: Field, celsius: Field, rain: Field, factor: Field) -> Field:
    """Drought code after a day. Van Wagner and Pickett (1985), eqs. 18 to 23."""
    wet = 0.83 * np.maximum(rain, 2.8) - 1.27
    moisture = 800 * np.exp(-code / 400) + 3.937 * wet
    rained = np.where(rain > 2.8, np.maximum(400 * np.log(800 / moisture), 0), code)
    return rained + np.maximum(0.36 * (np.maximum(celsius, -2.8) + 2.8) + factor, 0) / 2


def local_noon(toa_incoming_shortwave_flux: Field) -> Field:
    """1 in the hour in which the sun stands highest, else 0; never in the first and the last hour. Definition."""
    flux = toa_incoming_shortwave_flux
    noon = np.zeros_like(flux)
    if len(flux) > 2:
        noon[1:-1] = (flux[1:-1] > flux[:-2]) & (flux[1:-1] >= flux[2:]) & (flux[1:-1] > 0)
    return noon


def precipitation_since_noon(
    precipitation: Field, local_noon: Field, precipitation_since_noon_start: Field | None = None
) -> Field:
    """kg m-2, 0 at noon itself: a state. Van Wagner (1987)."""
    amount = np.zeros_like(precipitation)
    amount[0] = 0 if precipitation_since_noon_start is None else precipitation_since_noon_start
    for lead in range(1, len(amount)):
        amount[lead] = (amount[lead - 1] + precipitation[lead]) * (1 - local_noon[lead])
    return amount


def carried(start: Field | float, noon: Field, step: Callable[[int, NDArray[np.intp], Field], Field]) -> Field:
    """A state from `start`; step(lead, places, state there) gives it after the noon of `places` at `lead`."""
    state = np.empty_like(noon)
    state[0] = start
    for lead in range(1, len(noon)):
        state[lead] = state[lead - 1]
        places = np.flatnonzero(noon[lead])
        if places.size:
            state[lead, places] = step(lead, places, state[lead, places])
    return state


def noon_rain(since: Field, rain: Field, lead: int, places: NDArray[np.intp]) -> Field:
    """kg m-2 from the last noon to that at `lead`."""
    return since[lead - 1, places] + rain[lead, places]


def fine_fuel_moisture_code(
    temperature_2m: Field,
    relative_humidity_2m: Field,
    wind_speed_10m: Field,
    precipitation: Field,
    local_noon: Field,
    precipitation_since_noon: Field,
    fine_fuel_moisture_code_start: Field | None = None,
) -> Field:
    """0 to 101, dry from 85: litter, a state carried from noon to noon. Van Wagner and Pickett (1985), eqs. 1 to 10."""

    def step(lead: int, places: NDArray[np.intp], code: Field) -> Field:
        at = (lead, places)
        weather = (temperature_2m[at] - FREEZING, 100 * relative_humidity_2m[at], KMH * wind_speed_10m[at])
        return step_fine_fuel(code, *weather, noon_rain(precipitation_since_noon, precipitation, lead, places))

    start = STANDARD_START["fine_fuel"] if fine_fuel_moisture_code_start is None else fine_fuel_moisture_code_start
    return carried(start, local_noon, step)


def duff_moisture_code(
    temperature_2m: Field,
    relative_humidity_2m: Field,
    precipitation: Field,
    local_noon: Field,
    precipitation_since_noon: Field,
    latitude: Field,
    day_of_year: Field,
    duff_moisture_code_start: Field | None = None,
) -> Field:
    """0 and up: loose humus, a state carried from noon to noon. Van Wagner and Pickett (1985), eqs. 11 to 17."""

    def step(lead: int, places: NDArray[np.intp], code: Field) -> Field:
        at = (lead, places)
        hours = day_length(latitude[at[-1]], day_of_year[at])
        rain = noon_rain(precipitation_since_noon, precipitation, lead, places)
        return step_duff(code, temperature_2m[at] - FREEZING, 100 * relative_humidity_2m[at], rain, hours)

    start = STANDARD_START["duff"] if duff_moisture_code_start is None else duff_moisture_code_start
    return carried(start, local_noon, step)


def drought_code(
    temperature_2m: Field,
    precipitation: Field,
    local_noon: Field,
    precipitation_since_noon: Field,
    latitude: Field,
    day_of_year: Field,
    drought_code_start: Field | None = None,
) -> Field:
    """0 and up: deep humus, a state carried from noon to noon. Van Wagner and Pickett (1985), eqs. 18 to 23."""

    def step(lead: int, places: NDArray[np.intp], code: Field) -> Field:
        at = (lead, places)
        factor = drought_factor(latitude[at[-1]], day_of_year[at])
        rain = noon_rain(precipitation_since_noon, precipitation, lead, places)
        return step_drought(code, temperature_2m[at] - FREEZING, rain, factor)

    return carried(STANDARD_START["drought"] if drought_code_start is None else drought_code_start, local_noon, step)


FORMULAS = (local_noon, precipitation_since_noon, fine_fuel_moisture_code, duff_moisture_code, drought_code)
