"""Everything that is derived of one lead of a full globe, from fields as a forecast has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bench.cases import CELLS, GRID, Timed
from pipeline import parameters
from pipeline.science.derive import catalogue as derive

Array = NDArray[np.float32]
PEERS_LEVELS, PEERS_INPUTS = (850, 700, 500), ("temperature", "relative_humidity")
LEVELS = {
    1000: (110, 288), 925: (750, 285), 850: (1450, 278), 700: (3050, 268), 600: (4250, 262), 500: (5600, 250),
    400: (7200, 240), 300: (9200, 228), 250: (10400, 222), 200: (11800, 219), 150: (13700, 217), 100: (16200, 212),
    50: (20600, 213),
}  # m, K  # fmt: skip


def fields(places: int = CELLS, leads: int = 1) -> dict[str, Array]:
    """Blended parameters and surroundings, plausible together: (lead, place), some (place,)."""
    rng = np.random.default_rng(1)

    def between(low: float, high: float) -> Array:
        return (low + (high - low) * rng.random((leads, places), np.float32)).astype(np.float32)

    made = {name: between(row.minimum, row.maximum) for name, row in parameters.blended().items()}
    made |= {"temperature_2m": between(240, 310), "surface_pressure": between(85000, 103000)}
    made["pressure_at_sea_level"] = between(97000, 104000)
    made["dew_point_temperature_2m"] = made["temperature_2m"] - between(0, 25)
    made["skin_temperature"] = made["temperature_2m"] + between(-5, 8)
    for level, (height, temperature) in LEVELS.items():
        made[f"geopotential_height_{level}hpa"] = between(height - 150, height + 150)
        made[f"temperature_{level}hpa"] = between(temperature - 15, temperature + 15)
        made |= {f"{way}_wind_{level}hpa": between(-30, 30) for way in ("eastward", "northward")}
    for height in (10, 100):
        east, north = between(-12, 12), between(-12, 12)
        made |= {f"eastward_wind_{height}m": east, f"northward_wind_{height}m": north}
        made[f"wind_speed_{height}m"] = np.hypot(east, north)
    made["wind_gust"] = 1.5 * made["wind_speed_10m"]
    made["precipitation"] = np.maximum(between(-3, 3), 0)
    made["snowfall"] = made["precipitation"] * between(0, 1)
    made["convective_precipitation"] = made["precipitation"] * between(0, 1)
    made["toa_incoming_shortwave_flux"] = np.maximum(between(-800, 1300), 0)
    made["surface_downwelling_shortwave_flux"] = made["toa_incoming_shortwave_flux"] * between(0.1, 0.8)
    made["surface_downwelling_longwave_flux"] = between(150, 450)
    made["surface_altitude"] = np.maximum(between(-500, 1500)[0], 0)
    made["land_area_fraction"] = (between(0, 1)[0] > 0.7).astype(np.float32)
    made |= {f"{way}_surface_slope": between(-0.01, 0.01)[0] for way in ("eastward", "northward")}
    made["latitude"] = np.resize(GRID.places[0], places).astype(np.float32)
    made["day_of_year"] = np.broadcast_to(np.float32(200), (leads, places))
    return made


def _by_metpy(given: Mapping[str, Array]) -> list[object]:
    """Moisture and heat of the peers' levels."""
    import metpy.calc as mpcalc
    from metpy.units import units

    made: list[object] = []
    for level in PEERS_LEVELS:
        pressure, air = level * units.hPa, given[f"temperature_{level}hpa"] * units.K
        dew = mpcalc.dewpoint_from_relative_humidity(air, given[f"relative_humidity_{level}hpa"] * units.dimensionless)
        made += [dew, mpcalc.saturation_vapor_pressure(dew), mpcalc.specific_humidity_from_dewpoint(pressure, dew)]
        made += [mpcalc.potential_temperature(pressure, air)]
        made += [mpcalc.equivalent_potential_temperature(pressure, air, dew)]
    return made


def _by_xarray(given: Mapping[str, Array]) -> list[xr.DataArray]:
    """The same, by the formulas of MetPy's documentation without its units."""
    made = []
    for level in PEERS_LEVELS:
        air, humidity = (xr.DataArray(given[f"{name}_{level}hpa"]) for name in ("temperature", "relative_humidity"))
        vapour = humidity * 6.112 * np.exp(17.67 * (air - 273.15) / (air - 29.65))
        part = np.log(vapour / 6.112)
        dew = 243.5 * part / (17.67 - part) + 273.15
        mixing = 0.622 * vapour / (level - vapour)
        lifted = 56 + 1 / (1 / (dew - 56) + np.log(air / dew) / 800)
        dry = air * (1000 / (level - vapour)) ** 0.2854 * (air / lifted) ** (0.28 * mixing)
        heat = dry * np.exp((3036 / lifted - 1.78) * mixing * (1 + 0.448 * mixing))
        made += [dew, vapour, mixing / (1 + mixing), air * (1000 / level) ** 0.2854, heat]
    return made


def h_derive() -> Iterator[Timed]:
    """Every derived parameter of one lead, but what takes neighbours."""
    import thermofeel  # only the bench of derivation needs it

    given = fields()
    names = derive.possible(given)
    spare = derive.derive(given)
    yield Timed("hourcast", f"{len(names)} parameters, memory used again", lambda: derive.derive(given, spare))
    yield Timed("hourcast_new_arrays", "the same into new memory", lambda: derive.derive(given))
    few = {f"{name}_{level}hpa": given[f"{name}_{level}hpa"] for name in PEERS_INPUTS for level in PEERS_LEVELS}
    own = len(derive.possible(few))
    yield Timed("hourcast_three_levels", f"{own} of temperature and humidity of 3 levels", lambda: derive.derive(few))
    yield Timed("metpy", "15 of those: moisture, potential temperatures", lambda: _by_metpy(few))
    yield Timed("xarray", "the same 15", lambda: _by_xarray(few))
    t, wind = (given[name][0].astype(np.float64) for name in ("temperature_2m", "wind_speed_10m"))
    vapour = np.exp(given["dew_point_temperature_2m"][0] / 20 - 12).astype(np.float64)
    yield Timed("thermofeel", "one of them, the thermal climate index", lambda: thermofeel.calculate_utci(
        t2_k=t, va=wind, mrt=t + 10, ehPa=vapour
    ))  # fmt: skip
    read = float(sum(field.nbytes for field in given.values()))
    yield Timed("bandwidth_limit", "inputs read, results written", lambda: None, {
        "read": read, "change": 4.0 * len(names) * CELLS
    })  # fmt: skip
