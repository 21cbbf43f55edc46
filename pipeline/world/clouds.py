"""Water, cloud and light of the truth: clouds, rain, snow, visibility, convection, radiation, boundary layer."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from pipeline.world import sun
from pipeline.world.geography import Geography, places
from pipeline.world.levels import Array, saturation_vapour_pressure

HOUR = 3600.0  # s
DRIZZLE = 0.12  # kg m-2 h-1 that a coarse model rains nearly everywhere and that is taken away
STEFAN_BOLTZMANN = 5.670e-8  # W m-2 K-4


def diagnose(large: dict[str, Array], out: dict[str, Array], static: Geography, when: datetime) -> dict[str, Array]:
    """The parameters of this family; `large` are the nature run's fields, `out` temperatures, wind and pressure."""
    latitude, longitude = places()
    fields = _cloud_cover(large)
    fields |= _convection(large, out)
    fields |= _precipitation(large, out, static, when, longitude)
    overcast = 1 - np.exp(-2.5 * fields["precipitation"])  # it does not rain from a clear sky
    for name in ("medium_cloud_cover", "total_cloud_cover"):
        fields[name] = np.maximum(fields[name], overcast)
    fields |= _radiation(large, out, fields, when, latitude, longitude)
    fields["visibility"] = _visibility(out, fields)
    fields["boundary_layer_height"] = _boundary_layer(out, static, when, longitude)
    fields["precipitable_water"] = np.clip(large["precipitable_water"], 0.2, 75)
    return fields


def _layer(humidity: Array, onset: float) -> Array:
    """Cloud fraction from relative humidity above `onset`; Sundqvist 1989."""
    return 1 - np.sqrt(np.clip((1 - humidity) / (1 - onset), 0, 1))


def _cloud_cover(large: dict[str, Array]) -> dict[str, Array]:
    # The run's lowest layers are moist nearly everywhere, so low cloud begins late.
    low = _layer(np.maximum(large["relative_humidity_925hpa"], large["relative_humidity_850hpa"]), 0.78)
    medium = _layer(np.maximum(large["relative_humidity_700hpa"], large["relative_humidity_500hpa"]), 0.55)
    high = _layer(large["relative_humidity_250hpa"], 0.3)
    total = 1 - (1 - low) * (1 - 0.85 * medium) * (1 - 0.6 * high)
    total = np.maximum(total, np.maximum(low, np.maximum(medium, high)))
    names = ("low_cloud_cover", "medium_cloud_cover", "high_cloud_cover", "total_cloud_cover")
    return {name: np.clip(values, 0, 1) for name, values in zip(names, (low, medium, high, total), strict=True)}


def _equivalent(temperature: Array, mixing_ratio: Array, pressure: Array | float) -> Array:
    """Equivalent potential temperature (K), the short form of Bolton 1980 without its saturation point."""
    return temperature * (1.0e5 / pressure) ** 0.2854 * np.exp(2.5e6 * mixing_ratio / (1004.0 * temperature))


def _convection(large: dict[str, Array], out: dict[str, Array]) -> dict[str, Array]:
    """CAPE from the excess of surface equivalent temperature over the saturated one at 500 hPa; CIN from 850 hPa."""
    pressure = out["surface_pressure"]
    vapour = saturation_vapour_pressure(out["dew_point_temperature_2m"])
    surface = _equivalent(out["temperature_2m"], 0.622 * vapour / (pressure - vapour), pressure)

    def saturated(level: int) -> Array:
        t = large[f"temperature_{level}hpa"]
        e = saturation_vapour_pressure(t)
        return _equivalent(t, 0.622 * e / (level * 100.0 - e), level * 100.0)

    cape = 125.0 * np.clip(surface - saturated(500) - 1.0, 0, 40)
    lid = np.clip(saturated(850) - surface, 0, 12) * 18.0
    return {"convective_available_potential_energy": cape, "convective_inhibition": -lid * (cape > 0)}


def _precipitation(
    large: dict[str, Array], out: dict[str, Array], static: Geography, when: datetime, longitude: Array
) -> dict[str, Array]:
    """Amounts of the hour (kg m-2): convective rain over land peaks in the afternoon; light drizzle is taken away."""
    angle = 2 * np.pi * (sun.local_hour(when, longitude) - 16.5) / 24
    course = 1 + 0.6 * static.land * np.cos(angle)
    convective = np.clip(large["convective_precipitation_rate"], 0, None) * HOUR * course
    stratiform = np.clip(large["stratiform_precipitation_rate"], 0, None) * HOUR
    total = convective + stratiform
    rain = np.where(total > DRIZZLE, (total - DRIZZLE) * 1.45, 0)
    share = rain / np.maximum(total, 1e-6)
    frozen = np.clip((274.6 - out["temperature_2m"]) / 2.4, 0, 1)
    return {
        "precipitation": rain,
        "convective_precipitation": convective * share,
        "snowfall": rain * frozen,
    }


def _radiation(
    large: dict[str, Array],
    out: dict[str, Array],
    fields: dict[str, Array],
    when: datetime,
    latitude: Array,
    longitude: Array,
) -> dict[str, Array]:
    """Hourly means (W m-2): short-wave after Kasten and Czeplak 1980, long-wave after Brutsaert 1975."""
    clear = clear_sky(when, latitude, longitude)
    cloud = fields["total_cloud_cover"]
    emission = STEFAN_BOLTZMANN * out["temperature_2m"] ** 4
    vapour = saturation_vapour_pressure(out["dew_point_temperature_2m"]) / 100
    emissivity = 1.24 * (vapour / out["temperature_2m"]) ** (1 / 7)
    return {
        "surface_downwelling_shortwave_flux": clear * (1 - 0.75 * cloud**3.4),
        "surface_downwelling_longwave_flux": emission * np.clip(emissivity + (1 - emissivity) * 0.7 * cloud, 0.3, 1),
    }


def clear_sky(when: datetime, latitude: Array, longitude: Array) -> Array:
    """Mean short-wave radiation of a clear sky in the hour before `when` (W m-2); Haurwitz 1945."""
    times = [when - timedelta(minutes=minutes) for minutes in (10, 30, 50)]
    height = np.mean([sun.cosine_zenith(time, latitude, longitude) for time in times], axis=0, dtype=np.float32)
    return np.asarray(1098.0 * height * np.exp(-0.057 / np.maximum(height, 0.02)), np.float32)


def _visibility(out: dict[str, Array], fields: dict[str, Array]) -> Array:
    """Metres, from humidity and rain; the humid part after the RUC's relation, 60 exp(-2.5 (RH - 15) / 80) km."""
    ratio = saturation_vapour_pressure(out["dew_point_temperature_2m"]) / saturation_vapour_pressure(
        out["temperature_2m"]
    )
    humid = 60000.0 * np.exp(-2.5 * np.clip(ratio * 100 - 15, 0, 80) / 80)
    wet = 1 / (1 / humid + 0.00012 * fields["precipitation"] ** 0.7 + 0.0012 * fields["snowfall"] ** 0.6)
    return np.clip(wet * (1.9 - 0.9 * np.clip((ratio - 0.9) / 0.1, 0, 1)), 100, 40000)


def _boundary_layer(out: dict[str, Array], static: Geography, when: datetime, longitude: Array) -> Array:
    """Metres: mechanical mixing everywhere, convective growth over land in the afternoon."""
    angle = 2 * np.pi * (sun.local_hour(when, longitude) - 15.5) / 24
    warm = np.clip((out["temperature_2m"] - 270) / 30, 0, 1.2)
    convective = 1500 * static.land * warm * np.clip(np.cos(angle) + 0.1, 0, None)
    return 150 + 55 * out["wind_speed_10m"] + convective * (1 - 0.5 * out.get("total_cloud_cover", 0.0))
