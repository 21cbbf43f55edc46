"""Every real GRIB file: read with ecCodes' own values where it holds a parameter, refused in one line where not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import eccodes
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config import Config
from pipeline.sources.decode import decode
from pipeline.sources.messages import GribError, split
from pipeline.sources.naming import name
from pipeline.steps import Deployment
from pipeline.steps.ingest import ingest_files
from pipeline.steps.ingest_files import contents

pytestmark = pytest.mark.realdata

# Files that hold nothing of the catalogue, by what their line says.
REFUSED = {
    "too few for a grid": 1,
    "not in the catalogue": 27,
    "spectral": 3,
    "at a full hour": 2,
    "expected GRIB messages": 4,
    "do not end in 7777": 1,
    "Grid description is wrong": 1,
    "does not exist": 1,
}


def grib_files(realdata: Path) -> list[Path]:
    return sorted(path for path in (realdata / "grib").rglob("*") if path.is_file())


def values_of_eccodes(data: bytes) -> tuple[NDArray[np.float64], str]:
    handle = eccodes.codes_new_from_message(data)
    try:
        eccodes.codes_set(handle, "missingValue", 1e30)
        values = eccodes.codes_get_double_array(handle, "values")
        return np.where(values == 1e30, np.nan, values), str(eccodes.codes_get(handle, "shortName"))
    finally:
        eccodes.codes_release(handle)


def test_values_are_those_of_eccodes_to_the_precision_of_single_floats(realdata: Path) -> None:
    compared = 0
    for file in grib_files(realdata):
        try:
            for data in contents(file):
                for message in split(data):
                    naming = name(message)
                    if naming.parameter is None:
                        continue
                    reasons: list[str] = []
                    fields = list(decode(message.data, refused=reasons.append))
                    assert fields or reasons, file
                    for field in fields:
                        expected, _ = values_of_eccodes(message.data)
                        np.testing.assert_allclose(field.values, expected * naming.factor, rtol=3e-7, err_msg=str(file))
                        assert np.isfinite(field.geometry.latitude).all()
                        assert len(field.geometry.longitude) == len(expected)
                        compared += 1
        except GribError:
            continue
    assert compared > 3000


def test_every_file_is_ingested_or_refused_in_one_line(realdata: Path) -> None:
    config = Config(store="memory://", grid_resolution=10, sources={"gfs": {}})
    told: Counter[str] = Counter()
    read = 0
    for file in grib_files(realdata):
        try:
            lines = list(ingest_files(Deployment.open(config), "gfs", [file]))
        except ValueError as error:
            assert f"{file}: nothing usable" in str(error)
            line = str(error)
            assert "\n" not in line
            told[next(reason for reason in REFUSED if reason in line)] += 1
        else:
            assert all("\n" not in line for line in lines)
            assert any(line.startswith("input/gfs/") for line in lines)
            read += 1
    assert told == REFUSED
    assert read == len(grib_files(realdata)) - sum(REFUSED.values())


def test_the_global_file_of_307_messages_is_ingested_whole(realdata: Path, tmp_path: Path) -> None:
    deployment = Deployment.open(Config(store=f"file://{tmp_path}", grid_resolution=2.5, sources={"gfs": {}}))
    file = realdata / "grib/pygrib/gfs.t12z.pgrbf120.2p5deg.grib2"
    lines = list(ingest_files(deployment, "gfs", [file]))
    assert "99 fields of 99 parameters" in lines[0]
    assert lines[1].startswith("input/gfs/20110110T12Z.zarr: 100 parameters at 120 h")
    import xarray as xr

    store = xr.open_zarr(deployment.store.zarr("input/gfs/20110110T12Z.zarr"), consolidated=False)
    field = next(f for f in decode(file.read_bytes()) if f.parameter == "temperature_2m")
    stored = store["forecast"].sel(parameter="temperature_2m", lead_time=120).values
    np.testing.assert_allclose(stored, field.values.reshape(73, 144), atol=0.011)
    assert store.attrs["init_time"] == "2011-01-10T12:00:00"
