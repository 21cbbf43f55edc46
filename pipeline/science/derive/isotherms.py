"""Where the air passes a temperature, and the wind at heights over the ground: values between the levels."""

from __future__ import annotations

from pipeline.science.derive import thermo
from pipeline.science.derive.formula import Formula
from pipeline.science.derive.thermo import FREEZING, Field

_HEIGHTS = ("surface_altitude", *(f"geopotential_height_{level}hpa" for level in (925, 850, 700, 500, 250)))
_TEMPERATURES = ("temperature_2m", *(f"temperature_{level}hpa" for level in (925, 850, 700, 500, 250)))
_WET = ("wet_bulb_temperature_2m", *(f"wet_bulb_temperature_{level}hpa" for level in (925, 850, 700, 500)))
SNOW = 0.5  # degC of wet bulb where half of what falls has melted, Sims and Liu (2015)


def freezing_level_altitude(*fields: Field) -> Field:
    """m above sea level of the highest 0 degC crossing, linear between levels; the surface where all is frozen."""
    return thermo.crossing(fields[:6], fields[6:], FREEZING)


def minus_10_level_altitude(*fields: Field) -> Field:
    """m above sea level of the highest -10 degC crossing, linear between levels, where graupel grows and charges."""
    return thermo.crossing(fields[:6], fields[6:], FREEZING - 10)


def minus_20_level_altitude(*fields: Field) -> Field:
    """m above sea level of the highest -20 degC crossing, linear between levels: hail growth. Witt et al. (1998)."""
    return thermo.crossing(fields[:6], fields[6:], FREEZING - 20)


def wet_bulb_freezing_level_altitude(*fields: Field) -> Field:
    """m above sea level of the highest 0 degC crossing of the wet bulb, near where snow begins to melt."""
    return thermo.crossing(fields[:5], fields[5:], FREEZING)


def snow_level_altitude(*fields: Field) -> Field:
    """m above sea level down to which snow falls: where the wet bulb passes 0.5 degC. Sims and Liu (2015)."""
    return thermo.crossing(fields[:5], fields[5:], FREEZING + SNOW)


def wind_1000m(*fields: Field) -> Field:
    """m s-1 at 1000 m over the ground, linear between 10 m and the pressure levels over it. WMO-No. 8, chapter 12."""
    return thermo.at_height(fields[:6], fields[6:], 1000)


def wind_3000m(*fields: Field) -> Field:
    """m s-1 at 3000 m over the ground, linear between 10 m and the pressure levels over it. WMO-No. 8, chapter 12."""
    return thermo.at_height(fields[:6], fields[6:], 3000)


def wind_6000m(*fields: Field) -> Field:
    """m s-1 at 6000 m over the ground, linear between 10 m and the pressure levels over it. WMO-No. 8, chapter 12."""
    return thermo.at_height(fields[:6], fields[6:], 6000)


def temperature_3000m(*fields: Field) -> Field:
    """K at 3000 m over the ground, linear between 2 m and the pressure levels over it. WMO-No. 8, chapter 12."""
    return thermo.at_height(fields[:6], fields[6:], 3000)


def mean_wind_0_6km(*fields: Field) -> Field:
    """m s-1: mean by height from the ground to 6 km, which steers storms. Bunkers et al. (2000)."""
    return thermo.mean_below(fields[:6], fields[6:], 6000)


def deep_shear(mean_0_6km: Field, mean_0_500m: Field, *fields: Field) -> Field:
    """m s-1: mean wind from 5.5 to 6 km less that of the lowest 500 m. Bunkers et al. (2000)."""
    return 12 * mean_0_6km - 11 * thermo.mean_below(fields[:6], fields[6:], 5500) - mean_0_500m


def mean_wind_0_500m(*fields: Field) -> Field:
    """m s-1: mean by height of the lowest 500 m, the inflow of storms. Weisman and Klemp (1982)."""
    return thermo.mean_below(fields[:6], fields[6:], 500)


def wind(component: str) -> tuple[str, ...]:
    """Names of heights and of a wind component at them."""
    return (
        *_HEIGHTS,
        f"{component}_wind_10m",
        *(f"{component}_wind_{level}hpa" for level in (925, 850, 700, 500, 250)),
    )


def between_levels() -> dict[str, Formula]:
    """Formulas by name, those of wind components without their vectors' lengths."""
    found = {
        function.__name__: Formula(function, (*_HEIGHTS, *_TEMPERATURES))
        for function in (freezing_level_altitude, minus_10_level_altitude, minus_20_level_altitude, temperature_3000m)
    }
    for function in (wet_bulb_freezing_level_altitude, snow_level_altitude):
        found[function.__name__] = Formula(function, (*_HEIGHTS[:5], *_WET))
    for way in ("eastward", "northward"):
        inputs = wind(way)
        for height, function in ((1000, wind_1000m), (3000, wind_3000m), (6000, wind_6000m)):
            found[f"{way}_wind_{height}m"] = Formula(function, inputs)
        found[f"{way}_mean_wind_0_6km"] = Formula(mean_wind_0_6km, inputs)
        found[f"{way}_mean_wind_0_500m"] = Formula(mean_wind_0_500m, inputs)
        means = (f"{way}_mean_wind_0_6km", f"{way}_mean_wind_0_500m")
        found[f"{way}_deep_shear"] = Formula(deep_shear, (*means, *inputs))
    return found
