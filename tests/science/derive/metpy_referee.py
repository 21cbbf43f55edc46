"""MetPy's values for the arrays in one .npz, written to another: run apart, since MetPy's pyproj and ecCodes cannot
share an interpreter."""

from __future__ import annotations

import sys
import warnings

import metpy.calc as mpcalc
import numpy as np
from metpy.units import units

K, PA, ONE, MPS = units.K, units.Pa, units.dimensionless, units("m/s")


def main(source: str, target: str) -> None:
    data = np.load(source)
    t, td, p, v = data["temperature"] * K, data["dew_point"] * K, data["pressure"] * PA, data["wind"] * MPS
    humidity = mpcalc.relative_humidity_from_dewpoint(t, td)
    ratio = mpcalc.mixing_ratio(mpcalc.saturation_vapor_pressure(td), p)
    few = slice(0, 40)
    lifted = [
        mpcalc.parcel_profile(np.array([b, 50000.0]) * PA, a * K, c * K)[-1].to("K").m
        for a, b, c in zip(t[few].m, p[few].m, td[few].m, strict=True)
    ]
    np.savez(
        target,
        saturation=mpcalc.saturation_vapor_pressure(t).to("Pa").m,
        humidity=humidity.m,
        dew_point=mpcalc.dewpoint_from_relative_humidity(t, humidity).to("K").m,
        ratio=ratio.to("").m,
        density=mpcalc.density(p, t, ratio).m,
        virtual=mpcalc.virtual_temperature(t, ratio).m,
        potential=mpcalc.potential_temperature(p, t).m,
        equivalent=mpcalc.equivalent_potential_temperature(p, t, td).m,
        wet_bulb_potential=mpcalc.wet_bulb_potential_temperature(85000 * PA, t, td).m,
        wet_bulb=mpcalc.wet_bulb_temperature(p[few], t[few], td[few]).to("K").m,
        lifted=np.array(lifted),
        condensation=mpcalc.lcl(p, t, td)[1].to("K").m,
        chill=mpcalc.windchill(t, v, mask_undefined=False).to("K").m,
        heat_index=mpcalc.heat_index(t, humidity, mask_undefined=False).to("K").m,
        direction=mpcalc.wind_direction(v, v[::-1]).to("degree").m,
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
