"""MetPy's vorticity, divergence, deformation and advection on the sphere for the grid in one .npz, written to another:
run apart, see `derive/metpy_referee.py`."""

from __future__ import annotations

import sys
import warnings

import metpy.calc as mpcalc
import numpy as np
from metpy.units import units


def main(source: str, target: str) -> None:
    data = np.load(source)
    east, north = data["east"] * units("m/s"), data["north"] * units("m/s")
    step = np.deg2rad(data["step"]) * data["radius"] * units.m
    stretched = np.broadcast_to(1 / np.cos(np.deg2rad(data["latitude"]))[:, None], east.shape) * units.dimensionless
    sphere = {"dx": step, "dy": -step, "parallel_scale": stretched, "meridional_scale": np.ones_like(stretched)}
    turning = mpcalc.coriolis_parameter(np.broadcast_to(data["latitude"][:, None], east.shape) * units.degrees)
    np.savez(
        target,
        absolute_vorticity=(mpcalc.vorticity(east, north, **sphere) + turning).m,
        vorticity=mpcalc.vorticity(east, north, **sphere).m,
        divergence=mpcalc.divergence(east, north, **sphere).m,
        deformation=mpcalc.total_deformation(east, north, **sphere).m,
        advection=mpcalc.advection(data["scalar"] * units.K, east, north, **sphere).to("K/s").m,
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
