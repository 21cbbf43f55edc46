"""Severe storms: their motion, helicity, and the composite indices of tornadoes, supercells, hail and lightning.

Heights are over the ground. The surface parcel's energy stands for the most unstable one's, and fixed layers for the
effective ones, as the sources give no more.
"""

from __future__ import annotations

import numpy as np

from pipeline.science.derive import thermo
from pipeline.science.derive.formula import Formula
from pipeline.science.derive.isotherms import wind
from pipeline.science.derive.thermo import FREEZING, Field

DEVIATION = 7.5  # m s-1 of a supercell from the mean wind, Bunkers et al. (2000)
KNOT = 0.514444  # m s-1


def _aside(mean: Field, across: Field, shear: Field) -> Field:
    """A component of the motion: the mean wind and `DEVIATION` along `across`, a component of the shear turned."""
    return mean + DEVIATION * across / np.maximum(shear, 0.1)


def storm_depth_shear(eastward_deep_shear: Field, northward_deep_shear: Field) -> Field:
    """m s-1: length of the shear between the lowest 500 m and 5.5 to 6 km. Bunkers et al. (2000)."""
    return thermo.length(eastward_deep_shear, northward_deep_shear)


def eastward_motion_of_right_mover(
    eastward_mean_wind_0_6km: Field, northward_deep_shear: Field, storm_depth_shear: Field
) -> Field:
    """m s-1: of a supercell that turns right of the mean wind. Bunkers et al. (2000)."""
    return _aside(eastward_mean_wind_0_6km, northward_deep_shear, storm_depth_shear)


def northward_motion_of_right_mover(
    northward_mean_wind_0_6km: Field, eastward_deep_shear: Field, storm_depth_shear: Field
) -> Field:
    """m s-1: of a supercell that turns right of the mean wind. Bunkers et al. (2000)."""
    return _aside(northward_mean_wind_0_6km, -eastward_deep_shear, storm_depth_shear)


def eastward_motion_of_left_mover(
    eastward_mean_wind_0_6km: Field, northward_deep_shear: Field, storm_depth_shear: Field
) -> Field:
    """m s-1: of a supercell that turns left of the mean wind. Bunkers et al. (2000)."""
    return _aside(eastward_mean_wind_0_6km, -northward_deep_shear, storm_depth_shear)


def northward_motion_of_left_mover(
    northward_mean_wind_0_6km: Field, eastward_deep_shear: Field, storm_depth_shear: Field
) -> Field:
    """m s-1: of a supercell that turns left of the mean wind. Bunkers et al. (2000)."""
    return _aside(northward_mean_wind_0_6km, eastward_deep_shear, storm_depth_shear)


def _helicity(fields: tuple[Field, ...], latitude: Field | None, depth: float) -> Field:
    """Relative to the right mover, and south of the equator, with the opposite sign, to the left mover."""
    east, north, east_left, north_left = fields[18:]
    if latitude is None:
        return thermo.helicity(fields[:6], fields[6:12], fields[12:18], (east, north), depth)
    south = latitude < 0
    storm = (np.where(south, east_left, east), np.where(south, north_left, north))
    return thermo.helicity(fields[:6], fields[6:12], fields[12:18], storm, depth) * (1 - np.float32(2) * south)


def storm_relative_helicity_0_1km(*fields: Field, latitude: Field | None = None) -> Field:
    """m2 s-2 of the lowest 1 km, relative to the cyclonic supercell, positive where that turns. Davies-Jones et al.
    (1990); the right mover of Bunkers et al. (2000), in the south the left one with the sign turned.
    """
    return _helicity(fields, latitude, 1000)


def storm_relative_helicity_0_3km(*fields: Field, latitude: Field | None = None) -> Field:
    """m2 s-2 of the lowest 3 km, relative to the cyclonic supercell, positive where that turns. Davies-Jones et al.
    (1990); the right mover of Bunkers et al. (2000), in the south the left one with the sign turned.
    """
    return _helicity(fields, latitude, 3000)


def bulk_wind_shear_0_1km(
    eastward_wind_10m: Field, northward_wind_10m: Field, eastward_wind_1000m: Field, northward_wind_1000m: Field
) -> Field:
    """m s-1: length of the vector difference between 1 km and 10 m. Thompson et al. (2003)."""
    return thermo.length(eastward_wind_1000m - eastward_wind_10m, northward_wind_1000m - northward_wind_10m)


def bulk_wind_shear_0_3km(
    eastward_wind_10m: Field, northward_wind_10m: Field, eastward_wind_3000m: Field, northward_wind_3000m: Field
) -> Field:
    """m s-1: length of the vector difference between 3 km and 10 m. Thompson et al. (2003)."""
    return thermo.length(eastward_wind_3000m - eastward_wind_10m, northward_wind_3000m - northward_wind_10m)


def bulk_wind_shear_0_6km(
    eastward_wind_10m: Field, northward_wind_10m: Field, eastward_wind_6000m: Field, northward_wind_6000m: Field
) -> Field:
    """m s-1: length of the vector difference between 6 km and 10 m. Thompson et al. (2003)."""
    return thermo.length(eastward_wind_6000m - eastward_wind_10m, northward_wind_6000m - northward_wind_10m)


def energy_helicity_index_0_1km(
    convective_available_potential_energy: Field, storm_relative_helicity_0_1km: Field
) -> Field:
    """1: energy times helicity over 160000. Rasmussen (2003)."""
    return convective_available_potential_energy * storm_relative_helicity_0_1km / 160000


def energy_helicity_index_0_3km(
    convective_available_potential_energy: Field, storm_relative_helicity_0_3km: Field
) -> Field:
    """1: energy times helicity over 160000. Hart and Korotky (1991)."""
    return convective_available_potential_energy * storm_relative_helicity_0_3km / 160000


def supercell_composite_parameter(
    convective_available_potential_energy: Field, storm_relative_helicity_0_3km: Field, bulk_wind_shear_0_6km: Field
) -> Field:
    """1: supercells likely from 1, negative for left movers. Thompson et al. (2004)."""
    shear = np.minimum(bulk_wind_shear_0_6km, 20) / 20 * (bulk_wind_shear_0_6km >= 10)
    return convective_available_potential_energy / 1000 * storm_relative_helicity_0_3km / 50 * shear


def significant_tornado_parameter(
    convective_available_potential_energy: Field,
    lifting_condensation_level: Field,
    storm_relative_helicity_0_1km: Field,
    bulk_wind_shear_0_6km: Field,
) -> Field:
    """1, fixed layers: strong tornadoes mostly above 1. Thompson et al. (2003)."""
    shear = np.minimum(bulk_wind_shear_0_6km, 30) / 20 * (bulk_wind_shear_0_6km >= 12.5)
    cloud = np.clip((2000 - lifting_condensation_level) / 1000, 0, 1)
    return convective_available_potential_energy / 1500 * cloud * storm_relative_helicity_0_1km / 150 * shear


def significant_hail_parameter(
    convective_available_potential_energy: Field,
    humidity_mixing_ratio_2m: Field,
    lapse_rate_700_500hpa: Field,
    temperature_500hpa: Field,
    bulk_wind_shear_0_6km: Field,
    freezing_level_altitude: Field,
    surface_altitude: Field,
) -> Field:
    """1: hail of 5 cm likely from 1, mostly above 1.5. U.S. Storm Prediction Center, SHIP."""
    energy = convective_available_potential_energy
    moisture = np.clip(1000 * humidity_mixing_ratio_2m, 11, 13.6)
    cold = np.maximum(FREEZING - temperature_500hpa, 5.5)
    lapse = np.maximum(lapse_rate_700_500hpa, 0)
    found = energy * moisture * lapse * cold * np.clip(bulk_wind_shear_0_6km, 7, 27) / 42e6
    melting = np.maximum(freezing_level_altitude - surface_altitude, 0)
    return found * np.minimum(energy / 1300, 1) * np.minimum(lapse / 5.8, 1) * np.minimum(melting / 2400, 1)


def bulk_richardson_shear(
    eastward_mean_wind_0_6km: Field,
    northward_mean_wind_0_6km: Field,
    eastward_mean_wind_0_500m: Field,
    northward_mean_wind_0_500m: Field,
) -> Field:
    """m2 s-2: half the squared difference of the mean winds of 6 km and 500 m. Weisman and Klemp (1982)."""
    east = eastward_mean_wind_0_6km - eastward_mean_wind_0_500m
    north = northward_mean_wind_0_6km - northward_mean_wind_0_500m
    return (east * east + north * north) / 2


def bulk_richardson_number(convective_available_potential_energy: Field, bulk_richardson_shear: Field) -> Field:
    """1: supercells from some 10 to 45; the shear counts as at least 1 m2 s-2. Weisman and Klemp (1982)."""
    return convective_available_potential_energy / np.maximum(bulk_richardson_shear, 1)


def craven_brooks_index(convective_available_potential_energy: Field, bulk_wind_shear_0_6km: Field) -> Field:
    """m3 s-3: energy times shear, severe above some 20000. Craven and Brooks (2004)."""
    return convective_available_potential_energy * bulk_wind_shear_0_6km


def low_energy_severe_index(
    bulk_wind_shear_0_3km: Field, lapse_rate_0_3km: Field, lapse_rate_700_500hpa: Field
) -> Field:
    """1 (SHERBS3): severe weather of little energy and much shear from 1. Sherburn and Parker (2014)."""
    steep = np.maximum(lapse_rate_0_3km, 0) / 5.2 * np.maximum(lapse_rate_700_500hpa, 0) / 5.6
    return bulk_wind_shear_0_3km / 26 * steep


def lapse_rate_0_3km(temperature_2m: Field, temperature_3000m: Field) -> Field:
    """K km-1 of the lowest 3 km, positive where it cools upwards. AMS Glossary, lapse rate."""
    return (temperature_2m - temperature_3000m) / 3


def derecho_composite_parameter(
    downdraft_convective_available_potential_energy: Field,
    convective_available_potential_energy: Field,
    bulk_wind_shear_0_6km: Field,
    eastward_mean_wind_0_6km: Field,
    northward_mean_wind_0_6km: Field,
) -> Field:
    """1: long-lived wind storms from some 2. Evans and Doswell (2001), U.S. Storm Prediction Center."""
    energy = downdraft_convective_available_potential_energy / 980 * convective_available_potential_energy / 2000
    mean = thermo.length(eastward_mean_wind_0_6km, northward_mean_wind_0_6km)
    return energy * bulk_wind_shear_0_6km / (20 * KNOT) * mean / (16 * KNOT)


def lightning_flash_rate(convective_available_potential_energy: Field, convective_precipitation: Field) -> Field:
    """km-2 h-1: 1.3e-11 J-1 times energy times rain rate. Romps et al. (2014)."""
    return np.float32(1.3e-5) * convective_available_potential_energy * convective_precipitation


def helicity() -> dict[str, Formula]:
    """Formulas of helicity by name, which take whole profiles."""
    movers = (f"{way}_motion_of_{side}_mover" for side in ("right", "left") for way in ("eastward", "northward"))
    inputs = (*wind("eastward"), *wind("northward")[6:], *movers)
    found = (storm_relative_helicity_0_1km, storm_relative_helicity_0_3km)
    return {function.__name__: Formula(function, inputs, ("latitude",)) for function in found}


MOTION = (
    storm_depth_shear,
    eastward_motion_of_right_mover,
    northward_motion_of_right_mover,
    eastward_motion_of_left_mover,
    northward_motion_of_left_mover,
)
FORMULAS = (
    bulk_wind_shear_0_1km,
    bulk_wind_shear_0_3km,
    bulk_wind_shear_0_6km,
    energy_helicity_index_0_1km,
    energy_helicity_index_0_3km,
    supercell_composite_parameter,
    significant_tornado_parameter,
    significant_hail_parameter,
    bulk_richardson_shear,
    bulk_richardson_number,
    craven_brooks_index,
    lapse_rate_0_3km,
    low_energy_severe_index,
    derecho_composite_parameter,
    lightning_flash_rate,
)
