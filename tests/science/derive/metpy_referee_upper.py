"""MetPy's values for profiles in one .npz, written to another: run apart, see `metpy_referee.py`."""

from __future__ import annotations

import sys
import warnings

import metpy.calc as mpcalc
import numpy as np
from metpy.units import units
from numpy.typing import NDArray

K, PA, M, MPS, J = units.K, units.Pa, units.m, units("m/s"), units("J/kg")


def column(data: dict[str, NDArray[np.float64]], i: int) -> dict[str, float]:
    """What MetPy makes of one profile: levels from the ground up."""
    p, t, td = data["pressure"][:, i] * PA, data["temperature"][:, i] * K, data["dew_point"][:, i] * K
    z, u, v = data["height"][:, i] * M, data["eastward"][:, i] * MPS, data["northward"][:, i] * MPS
    above = z - z[0]
    right, left, mean = mpcalc.bunkers_storm_motion(p, u, v, above)
    storm = {"storm_u": right[0], "storm_v": right[1]}
    helicity = {
        f"helicity_{depth}": mpcalc.storm_relative_helicity(above, u, v, depth * units.km, **storm)[2].m
        for depth in (1, 3)
    }
    shear = {
        f"shear_{depth}": float(
            np.hypot(*(part.m for part in mpcalc.bulk_shear(p, u, v, above, depth=depth * units.km)))
        )
        for depth in (1, 3, 6)
    }
    motion = {
        f"{name}_{way}": float(part.m)
        for name, vector in (("right", right), ("left", left), ("mean", mean))
        for way, part in zip("uv", vector, strict=True)
    }
    return helicity | shear | motion | {"dcape": mpcalc.downdraft_cape(p, t, td)[0].m}


def level(data: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """What MetPy makes of all levels at once."""
    p, t, td = data["pressure"] * PA, data["temperature"] * K, data["dew_point"] * K
    ratio = mpcalc.mixing_ratio(mpcalc.saturation_vapor_pressure(td), p)
    return {
        "vapour": mpcalc.saturation_vapor_pressure(td).to("Pa").m,
        "specific_humidity": mpcalc.specific_humidity_from_dewpoint(p, td).to("").m,
        "theta": mpcalc.potential_temperature(p, t).m,
        "theta_v": mpcalc.virtual_potential_temperature(p, t, ratio).m,
        "theta_e": mpcalc.equivalent_potential_temperature(p, t, td).m,
        "theta_w": mpcalc.wet_bulb_potential_temperature(p, t, td).to("K").m,
        "condensation_pressure": mpcalc.lcl(p, t, td)[0].to("Pa").m,
        "ice": mpcalc.saturation_vapor_pressure(t, phase="solid").to("Pa").m,
        "standard_height": mpcalc.pressure_to_height_std(p).to("m").m,
        "station_pressure": mpcalc.altimeter_to_station_pressure(p[0], 500 * M).to("Pa").m,
        "rising": mpcalc.vertical_velocity(-2.0 * units("Pa/s"), 70000 * PA, t).to("m/s").m,
    }


def indices(data: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Composite indices of MetPy from the scalars given."""
    cape, helicity, shear = data["cape"] * J, data["helicity"] * units("m2/s2"), data["shear"] * MPS
    p, t, td = (data[name][1:5] for name in ("pressure", "temperature", "dew_point"))
    vertical = [float(mpcalc.vertical_totals(p[:, i] * PA, t[:, i] * K).to("delta_degC").m) for i in range(p.shape[1])]
    cross = [
        float(mpcalc.cross_totals(p[:, i] * PA, t[:, i] * K, td[:, i] * K).to("delta_degC").m)
        for i in range(p.shape[1])
    ]
    return {
        "supercell": mpcalc.supercell_composite(cape, helicity, shear).to("").m,
        "tornado": mpcalc.significant_tornado(cape, data["cloud"] * M, helicity, shear).to("").m,
        "vertical_totals": np.array(vertical),
        "cross_totals": np.array(cross),
    }


def main(source: str, target: str) -> None:
    data = dict(np.load(source))
    columns = [column(data, i) for i in range(data["pressure"].shape[1])]
    gathered = {name: np.array([one[name] for one in columns]) for name in columns[0]}
    np.savez(target, **gathered, **level(data), **indices(data))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
