"""MetPy's values, by parameter of the catalogue, for the fields in one .npz: run apart, see `metpy_referee.py`."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator

import metpy.calc as mpcalc
import numpy as np
from metpy.units import units
from numpy.typing import NDArray

K, PA, M, MPS, ONE = units.K, units.Pa, units.m, units("m/s"), units.dimensionless
LEVEL = re.compile(r"temperature_(\d+)hpa")
FEW = slice(0, 60)  # of what MetPy solves place by place
Fields = dict[str, NDArray[np.float64]]
Answers = Iterator[tuple[str, NDArray[np.float64]]]


def winds(fields: Fields) -> Answers:
    """Speed and direction of every wind that has components."""
    for name in [name for name in fields if name.startswith("eastward_wind_")]:
        place = name.removeprefix("eastward_wind_")
        u, v = fields[name] * MPS, fields[f"northward_wind_{place}"] * MPS
        if place.endswith("hpa"):
            yield f"wind_speed_{place}", mpcalc.wind_speed(u, v).m
        yield f"wind_from_direction_{place}", mpcalc.wind_direction(u, v).to("degree").m


def levels(fields: Fields, hpa: list[int]) -> Answers:
    """Moisture and heat of every pressure level."""
    for level in hpa:
        p, t = level * 100.0 * PA, fields[f"temperature_{level}hpa"] * K
        humidity = fields[f"relative_humidity_{level}hpa"] * ONE
        yield f"dew_point_temperature_{level}hpa", mpcalc.dewpoint_from_relative_humidity(t, humidity).to("K").m
        td = fields[f"dew_point_temperature_{level}hpa"] * K  # ours: an error of it is not counted twice
        vapour = mpcalc.saturation_vapor_pressure(td)
        yield f"vapour_pressure_{level}hpa", vapour.to("Pa").m
        yield f"specific_humidity_{level}hpa", mpcalc.specific_humidity_from_dewpoint(p, td).to("").m
        yield f"humidity_mixing_ratio_{level}hpa", mpcalc.mixing_ratio(vapour, p).to("").m
        yield f"potential_temperature_{level}hpa", mpcalc.potential_temperature(p, t).m
        yield f"equivalent_potential_temperature_{level}hpa", mpcalc.equivalent_potential_temperature(p, t, td).m
        wet = mpcalc.wet_bulb_temperature(p, t.ravel()[FEW], td.ravel()[FEW]).to("K").m
        yield f"wet_bulb_temperature_{level}hpa", wet
        ice = mpcalc.saturation_vapor_pressure(t, phase="solid")
        water = mpcalc.saturation_vapor_pressure(t, phase="liquid")
        yield f"relative_humidity_over_ice_{level}hpa", (humidity * water / ice).to("").m


def indices(fields: Fields) -> Answers:
    """Stability indices of the standard levels."""
    hpa = [850, 700, 500]
    t, td = (np.stack([fields[f"{name}_{p}hpa"] for p in hpa]) for name in ("temperature", "dew_point_temperature"))
    speed, direction = (
        np.stack([fields[f"{name}_{p}hpa"] for p in hpa]) for name in ("wind_speed", "wind_from_direction")
    )
    p = np.array(hpa, float)[:, None] * np.ones((1, t[0].size)) * units.hPa
    t, td = t.reshape(3, -1) * K, td.reshape(3, -1) * K
    shape = fields["temperature_850hpa"].shape
    yield "k_index", mpcalc.k_index(p, t, td).to("degC").m.reshape(shape) + 0.0
    yield "total_totals_index", mpcalc.total_totals_index(p, t, td).to("delta_degC").m.reshape(shape)
    knots = (speed.reshape(3, -1) * MPS).to("knots")  # it counts them whatever units they are in
    sweat = mpcalc.sweat_index(p, t, td, knots, direction.reshape(3, -1) * units.degree)
    yield "sweat_index", np.asarray(sweat.m).reshape(shape)
    showalter = [mpcalc.showalter_index(p[:, i], t[:, i], td[:, i]).to("delta_degC").m.item() for i in range(FEW.stop)]
    yield "showalter_index", np.array(showalter)
    wet = [mpcalc.wet_bulb_potential_temperature(level * units.hPa, t[i], td[i]).m for i, level in ((2, 500), (0, 850))]
    yield "bradbury_index", (wet[0] - wet[1]).reshape(shape)


def ground(fields: Fields) -> Answers:
    """Humidity of the air at 2 m."""
    p, t, td = fields["surface_pressure"] * PA, fields["temperature_2m"] * K, fields["dew_point_temperature_2m"] * K
    humidity = mpcalc.relative_humidity_from_dewpoint(t, td)
    moist = mpcalc.specific_humidity_from_dewpoint(p, td)
    yield "specific_humidity_2m", moist.to("").m
    density = mpcalc.density(p, t, mpcalc.mixing_ratio_from_specific_humidity(moist))
    yield "absolute_humidity_2m", (moist * density).to("kg/m^3").m
    deficit = mpcalc.saturation_vapor_pressure(t) - mpcalc.saturation_vapor_pressure(td)
    yield "vapour_pressure_deficit_2m", deficit.to("Pa").m
    yield "heat_index", mpcalc.heat_index(t, humidity, mask_undefined=False).to("K").m


def main(source: str, target: str) -> None:
    fields = {name: values.astype(np.float64) for name, values in np.load(source).items()}
    hpa = sorted((int(level[1]) for name in fields if (level := LEVEL.fullmatch(name))), reverse=True)
    found: Fields = {}
    for answers in (winds(fields), levels(fields, hpa), indices(fields), ground(fields)):
        found |= dict(answers)
    np.savez(target, **found)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
