"""Energy: wind and solar power, heating and cooling, what weather does to lines and walls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.science.derive import thermo
from pipeline.science.derive.math import elementwise, exp, f4, kernel, log
from pipeline.science.derive.radiation import LOWEST_COSINE
from pipeline.science.derive.thermo import FREEZING, Field
from pipeline.science.registers import full_width

_DIAMETER = f4(0.02814)  # m, of the Drake conductor
_FREE = f4(3.645 * 0.02814**0.75)
_CURVES = {
    "class 1": (0, 0, 0, 0.0043, 0.0323, 0.0771, 0.1426, 0.2329, 0.3528, 0.5024, 0.6732, 0.8287, 0.9264, 0.9774,
                0.9946, 0.999, 0.999),
    "class 2": (0, 0, 0, 0.0052, 0.0423, 0.1031, 0.1909, 0.3127, 0.4731, 0.6693, 0.8554, 0.9641, 0.9942, 0.9994),
    "class 3": (0, 0, 0, 0.0054, 0.053, 0.1351, 0.2508, 0.4033, 0.5952, 0.7849, 0.9178, 0.9796),
    "offshore": (0, 0, 0, 0, 0.0281, 0.074, 0.1373, 0.2266, 0.3443, 0.4908, 0.6623, 0.815, 0.9179, 0.9798),
}  # fmt: skip
"""Share of the rating at 0, 1, 2 ... m s-1, then 1: the composite turbines of King et al. (2014), table 1."""


def _padded(curve: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array([*curve, *[1.0] * (28 - len(curve))], np.float32)


CURVES = {name: _padded(curve) for name, curve in _CURVES.items()}
CUT_OUT = {"class 1": 25.0, "class 2": 25.0, "class 3": 22.0, "offshore": 22.0}
"""m s-1: the last whole speed of the table at which the turbine runs."""


@kernel
def follow_curve(speed: Any, factor: Any, curve: Any, cut_out: Any, out: Any) -> None:
    """Share of the rating at a speed times its factor, linear between the curve's whole m s-1; 0 beyond `cut_out`."""
    full_width()
    for i in range(len(out)):
        corrected = min(max(speed[i] * factor[i], f4(0.0)), f4(26.0))
        whole = min(max(np.int32(corrected), np.int32(0)), np.int32(26))  # a missing wind has none
        low = curve[whole]
        share = low + (corrected - f4(whole)) * (curve[whole + 1] - low)
        out[i] = share if speed[i] <= cut_out else f4(0.0)


def power_of(speed: Field, factor: Field, turbine: str) -> Field:
    """1: share of its rating that a turbine gives, linear between whole m s-1, wind times the factor of its density."""
    curve, last = CURVES[turbine], np.float32(CUT_OUT[turbine])
    return elementwise(lambda wind, light, out: follow_curve(wind, light, curve, last, out), speed, factor)


def wind_power_density_80m(wind_speed_80m: Field, air_density_100m: Field) -> Field:
    """W m-2: half of density times speed cubed. IEC 61400-12-1."""
    return 0.5 * air_density_100m * wind_speed_80m**3


def wind_power_density_120m(wind_speed_120m: Field, air_density_100m: Field) -> Field:
    """W m-2: half of density times speed cubed. IEC 61400-12-1."""
    return 0.5 * air_density_100m * wind_speed_120m**3


def wind_turbine_capacity_factor_class1(wind_speed_80m: Field, density_speed_factor: Field) -> Field:
    """1: composite turbine for strong wind (IEC class I) with its hub at 80 m. King et al. (2014)."""
    return power_of(wind_speed_80m, density_speed_factor, "class 1")


def wind_turbine_capacity_factor_class2(wind_speed_100m: Field, density_speed_factor: Field) -> Field:
    """1: composite turbine for medium wind (IEC class II) with its hub at 100 m. King et al. (2014)."""
    return power_of(wind_speed_100m, density_speed_factor, "class 2")


def wind_turbine_capacity_factor_class3(wind_speed_120m: Field, density_speed_factor: Field) -> Field:
    """1: composite turbine for weak wind (IEC class III) with its hub at 120 m. King et al. (2014)."""
    return power_of(wind_speed_120m, density_speed_factor, "class 3")


def wind_turbine_capacity_factor_offshore(wind_speed_120m: Field, density_speed_factor: Field) -> Field:
    """1: composite offshore turbine with its hub at 120 m. King et al. (2014)."""
    return power_of(wind_speed_120m, density_speed_factor, "offshore")


def declination(day_of_year: Field) -> Field:
    """Radians. Spencer (1971)."""
    angle = (day_of_year - 1) * np.float32(2 * np.pi / 365)
    c, s = np.cos(angle), np.sin(angle)  # of twice and three times the angle they are polynomials of these
    second = -0.006758 * (2 * c * c - 1) + 0.001814 * s * c
    third = -0.002697 * c * (4 * c * c - 3) + 0.00148 * s * (3 - 4 * s * s)
    return 0.006918 - 0.399912 * c + 0.070257 * s + second + third


def best_tilt(latitude: Field) -> Field:
    """Degrees of a panel facing the equator: 0.87 of latitude to 25, 3.1 and 0.76 to 50, then 45. Landau (2017)."""
    far = np.abs(latitude)
    return np.where(far < 25, 0.87 * far, np.minimum(0.76 * far + 3.1, 45))


def plane_of_array_irradiance(
    direct_normal_irradiance: Field,
    diffuse_horizontal_irradiance: Field,
    surface_upwelling_shortwave_flux: Field,
    cosine_of_zenith: Field,
    latitude: Field,
    day_of_year: Field,
) -> Field:
    """W m-2 on a panel that faces the equator at the latitude's best fixed tilt. Liu and Jordan (1963).

    The hour angle follows from the sun's height, so that morning and afternoon need not be told apart.
    """
    phi, sun = np.deg2rad(latitude), declination(day_of_year)
    tilt = np.deg2rad(best_tilt(latitude))
    sine = np.sin(sun)
    cosine = np.sqrt(1 - sine * sine)
    hour = (cosine_of_zenith - sine * np.sin(phi)) / (cosine * np.maximum(np.cos(phi), 0.02))
    virtual = phi - np.copysign(tilt, phi)
    incidence = sine * np.sin(virtual) + cosine * (np.cos(virtual) * np.clip(hour, -1, 1))
    beam = direct_normal_irradiance * np.maximum(incidence, 0) * (cosine_of_zenith > LOWEST_COSINE)
    lean = np.cos(tilt)
    return beam + (diffuse_horizontal_irradiance * (1 + lean) + surface_upwelling_shortwave_flux * (1 - lean)) / 2


def photovoltaic_cell_temperature(
    temperature_2m: Field, plane_of_array_irradiance: Field, wind_speed_10m: Field
) -> Field:
    """K: 25 and 6.84 W m-2 K-1 a m s-1 carry the heat off; wind at 2 m. Faiman (2008)."""
    return temperature_2m + plane_of_array_irradiance / (25 + 6.84 * 0.748 * wind_speed_10m)


def photovoltaic_power_ratio_tilted(plane_of_array_irradiance: Field, photovoltaic_cell_temperature: Field) -> Field:
    """1: yield of the tilted panel over its rating, less 0.4 % a kelvin above 25 degC. Dobos (2014), PVWatts 5."""
    warm = photovoltaic_cell_temperature - np.float32(FREEZING + 25)
    return np.maximum(plane_of_array_irradiance / 1000 * (1 - 0.004 * warm), 0)


def heating_degree_base15p5(temperature_2m: Field) -> Field:
    """K day in the past hour below 15.5 degC, the base of British and many European bills. CIBSE TM41 (2006)."""
    return np.maximum(np.float32(FREEZING + 15.5) - temperature_2m, 0) / 24


def cooling_degree_base22(temperature_2m: Field) -> Field:
    """K day in the past hour above 22 degC. CIBSE TM41 (2006), Eurostat (2021) uses 21 and 24."""
    return np.maximum(temperature_2m - np.float32(FREEZING + 22), 0) / 24


def wind_driven_rain(rainfall: Field, wind_speed_10m: Field) -> Field:
    """kg m-2 in the past hour through a vertical plane across the wind in the open. ISO 15927-3 (2009), eq. 1."""
    return np.float32(2 / 9) * wind_speed_10m * np.power(np.maximum(rainfall, 0), np.float32(8 / 9))


ROD, DROPLET = 0.030, 20e-6  # m: reference cylinder of ISO 12494, median drop of cloud
AIR_VISCOSITY = 1.7e-5  # Pa s
SETTLING = 1.7  # m s-1, of wet snowflakes, Sakamoto (2000)


def collision_efficiency(wind_speed: Field, air_density: Field) -> Field:
    """1: share of cloud drops in its way that meets the reference cylinder. Finstad et al. (1988)."""
    wind = np.maximum(wind_speed, 0.1)
    inertia = np.maximum(1000 * DROPLET**2 / (9 * AIR_VISCOSITY * ROD) * wind, 0.17)
    drag = np.maximum((air_density * (DROPLET / AIR_VISCOSITY) * wind) ** 2 / inertia, 101)
    a = 1.066 * inertia**-0.00616 * np.exp(-1.103 * inertia**-0.688)
    b = 3.641 * inertia**-0.498 * np.exp(-1.497 * inertia**-0.694)
    return np.clip(a - 0.028 - 0.00637 * (drag - 100) ** 0.381 * (b - 0.0454), 0, 1)


def rime_ice_load(temperature_2m: Field, visibility: Field, wind_speed_10m: Field, air_density_2m: Field) -> Field:
    """kg m-1 in the past hour on the reference cylinder, in freezing fog. Makkonen (2000), ISO 12494.

    Liquid water from the visibility: extinction 144.7 km-1 times g m-3 to the power 0.88. Kunkel (1984).
    """
    load = np.zeros_like(temperature_2m)
    fog = (temperature_2m < FREEZING) & (visibility < 1000)
    wind, density = wind_speed_10m[fog], air_density_2m[fog]
    water = 1e-3 * np.power(3.912 / (144.7e-3 * np.maximum(visibility[fog], 20)), np.float32(1 / 0.88))
    load[fog] = collision_efficiency(wind, density) * water * wind * (ROD * 3600)
    return load


def wet_snow_load(
    temperature_2m: Field, wet_bulb_temperature_2m: Field, snowfall: Field, wind_speed_10m: Field
) -> Field:
    """kg m-1 in the past hour on the reference cylinder: melting snow sticks, less in wind. Admirat (2008)."""
    sticks = (wet_bulb_temperature_2m > FREEZING) & (temperature_2m < FREEZING + 3)
    blown = snowfall * wind_speed_10m / np.float32(SETTLING)
    return ROD * thermo.length(snowfall, blown) / np.maximum(wind_speed_10m, 1) * sticks


def line_rating(
    temperature_2m: Field, wind_speed_10m: Field, surface_downwelling_shortwave_flux: Field, surface_altitude: Field
) -> Field:
    """A: steady current that heats a Drake conductor to 75 degC, wind at 45 degrees. IEEE 738 (2012)."""
    absorbed = 0.8 * surface_downwelling_shortwave_flux
    return ampacity(temperature_2m - FREEZING, wind_speed_10m, absorbed, surface_altitude)


@kernel
def carry_current(weather: Any, constants: Any, out: Any) -> None:
    """A: IEEE 738 (2012), heat that leaves the conductor by the greater of forced and free convection and radiation.

    weather: degC, m s-1, W m-2 of sun, altitude (m); constants: degC that it may have, ohm m-1, share by the angle.
    """
    full_width()
    (celsius, wind, absorbed, altitude), (limit, resistance, direction) = weather, constants
    hot = (limit + f4(273.0)) * f4(0.01)
    for i in range(len(out)):
        film, z = f4(0.5) * (celsius[i] + limit), altitude[i]
        density = (f4(1.293) - f4(1.525e-4) * z + f4(6.379e-9) * z * z) / (f4(1.0) + f4(0.00367) * film)
        viscosity = f4(1.458e-6) * (film + f4(273.0)) * (film + f4(273.0)) ** f4(0.5) / (film + f4(383.4))
        conductivity = f4(2.424e-2) + f4(7.477e-5) * film - f4(4.407e-9) * film * film
        over = max(limit - celsius[i], f4(0.0))
        reynolds = log(max(_DIAMETER * density * wind[i] / viscosity, f4(1e-30)))
        forced = max(f4(1.01) + f4(1.35) * exp(f4(0.52) * reynolds), f4(0.754) * exp(f4(0.6) * reynolds))
        free = _FREE * density ** f4(0.5) * over * (over ** f4(0.5)) ** f4(0.5)
        square = (celsius[i] + f4(273.0)) * f4(0.01) * (celsius[i] + f4(273.0)) * f4(0.01)
        radiated = f4(17.8 * 0.8) * _DIAMETER * (hot * hot * hot * hot - square * square)
        spare = max(forced * direction * conductivity * over, free) + radiated - absorbed[i] * _DIAMETER
        out[i] = (max(spare, f4(0.0)) / resistance) ** f4(0.5)


def ampacity(
    celsius: Field,
    wind: Field,
    absorbed: Field,
    altitude: Field,
    *,
    limit: float = 75.0,
    resistance: float = 8.688e-5,
    angle: float = 45.0,
) -> Field:
    """A: IEEE 738 (2012) for 795 kcmil Drake: `absorbed` W m-2 of sun, degC at which it may run, ohm m-1 there."""
    phi = math.radians(angle)
    direction = 1.194 - math.cos(phi) + 0.194 * math.cos(2 * phi) + 0.368 * math.sin(2 * phi)
    constants = (np.float32(limit), np.float32(resistance), np.float32(direction))
    return elementwise(lambda *flat: carry_current(flat[:4], constants, flat[4]), celsius, wind, absorbed, altitude)


FORMULAS = (
    wind_power_density_80m,
    wind_power_density_120m,
    wind_turbine_capacity_factor_class1,
    wind_turbine_capacity_factor_class2,
    wind_turbine_capacity_factor_class3,
    wind_turbine_capacity_factor_offshore,
    plane_of_array_irradiance,
    photovoltaic_cell_temperature,
    photovoltaic_power_ratio_tilted,
    heating_degree_base15p5,
    cooling_degree_base22,
    wind_driven_rain,
    rime_ice_load,
    wet_snow_load,
    line_rating,
)
