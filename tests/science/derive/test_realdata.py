"""Derived parameters of a real GFS forecast against those the GFS itself computed from all its levels."""

from __future__ import annotations

from pathlib import Path

import eccodes
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.science import consistency
from pipeline.science.derive import humidity as derive_humidity
from pipeline.science.derive import thermo
from pipeline.science.derive.catalogue import derive

Array = NDArray[np.float32]
GFS = "grib/pygrib/gfs.t12z.pgrbf120.2p5deg.grib2"
SURFACE = {
    "temperature_2m": "2t@2", "surface_pressure": "sp@0", "pressure_at_sea_level": "prmsl@0", "skin_temperature": "t@0",
    "surface_downwelling_longwave_flux": "sdlwrf@0", "eastward_wind_10m": "10u@10", "northward_wind_10m": "10v@10",
}  # fmt: skip
LEVELS = {"temperature": "t", "geopotential_height": "gh", "relative_humidity": "r", "eastward_wind": "u",
          "northward_wind": "v"}  # fmt: skip


@pytest.fixture(scope="module")
def gfs(realdata: Path) -> dict[str, Array]:
    """The file's fields as `name@level` (surface and near it) and `name@level hPa`."""
    kinds = {"isobaricInhPa": " hPa", "surface": "", "meanSea": "", "heightAboveGround": ""}
    fields: dict[str, Array] = {}
    eccodes.codes_grib_multi_support_on()
    with (realdata / GFS).open("rb") as file:
        while (message := eccodes.codes_grib_new_from_file(file)) is not None:
            name, kind, level = (eccodes.codes_get(message, key) for key in ("shortName", "typeOfLevel", "level"))
            suffix = kinds.get(kind, f" {kind}")
            fields.setdefault(f"{name}@{level}{suffix}", eccodes.codes_get_values(message).astype(np.float32)[None])
            eccodes.codes_release(message)
    eccodes.codes_grib_multi_support_off()
    return fields


@pytest.fixture(scope="module")
def blended(gfs: dict[str, Array]) -> dict[str, Array]:
    """The fields under the catalogue's names and in its units."""
    fields = {name: gfs[key] for name, key in SURFACE.items()}
    for level in (925, 850, 700, 500, 250):
        fields |= {f"{name}_{level}hpa": gfs[f"{short}@{level} hPa"] for name, short in LEVELS.items()}
        fields[f"relative_humidity_{level}hpa"] = np.clip(fields[f"relative_humidity_{level}hpa"] / 100, 0, 1)
    humidity = np.clip(gfs["2r@2"] / 100, 0, 1)
    fields["dew_point_temperature_2m"] = np.float32(thermo.dew_point(fields["temperature_2m"], humidity))
    fields["surface_altitude"] = gfs["orog@0"][0]
    return fields


@pytest.mark.realdata
def test_the_model_itself_agrees(gfs: dict[str, Array], blended: dict[str, Array]) -> None:
    found = derive(blended)
    altitude = blended["surface_altitude"]
    thaw = (found["freezing_level_altitude"] > altitude + 1) & (altitude < 1000)
    cases = (  # ours, the model's, bias, standard deviation
        (found["relative_humidity_2m"], gfs["2r@2"] / 100, 1e-5, 1e-4),
        (found["specific_humidity_2m"], gfs["2sh@2"], 1e-4, 1e-4),
        (found["surface_upwelling_longwave_flux"], gfs["sulwrf@0"], 3, 12),
        (found["lifted_index"], gfs["lftx@0"], 0.3, 2.2),
        (found["freezing_level_altitude"][thaw], gfs["gh@0 highestTroposphericFreezing"][thaw], 50, 160),
        (derive_humidity.surface_altitude(*(blended[name] for name in list(SURFACE)[:3])), gfs["orog@0"], 3, 15),
    )
    for number, (ours, theirs, bias, deviation) in enumerate(cases):
        difference = (ours - theirs).astype(np.float64)
        assert abs(difference.mean()) < bias, number
        assert difference.std() < deviation, number


@pytest.mark.realdata
def test_a_real_forecast_is_nearly_consistent(blended: dict[str, Array]) -> None:
    _, counts = consistency.apply(blended)
    values = blended["temperature_2m"].size
    assert {name for name, count in counts.items() if count} <= {"temperatures in order"}
    assert counts["temperatures in order"] < 0.02 * values  # saturated, by rounding
