"""`hourcast train`: what it writes and says, and that a run whose store keeps it goes on on another machine."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

pytest.importorskip("torch")

from models.inputs import SHIPPED
from models.training.trainer import CHECKPOINT
from models.variables import VARIABLES
from pipeline.operate.training import train
from pipeline.store import Store


def random_reanalysis(path: Path, start: str, states: int) -> None:
    """What the shipped model reads, every six hours, in WeatherBench's layout: noise."""
    random = np.random.default_rng(0)
    axes = {
        "time": np.datetime64(start, "ns") + np.arange(states) * np.timedelta64(6, "h"),
        "level": [250, 500, 850],
        "latitude": np.linspace(90, -90, 13),
        "longitude": np.arange(24) * 15.0,
    }
    fields = {}
    for name in json.loads((SHIPPED / "config.json").read_text())["variables"]:
        variable = VARIABLES[name]
        dims = ("time", *(("level",) if variable.level else ()), "latitude", "longitude")
        fields[variable.reanalysis] = (dims, random.standard_normal([len(axes[dim]) for dim in dims], np.float32))
    xr.Dataset(fields, axes).to_zarr(path, zarr_format=3, consolidated=False)


def test_train_writes_a_package_that_the_ensemble_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random_reanalysis(tmp_path / "world.zarr", "2020-01-01", 60)
    train(str(tmp_path / "world.zarr"), tmp_path / "run", None, datetime(2020, 1, 11), 1e9, steps=2)
    out = capsys.readouterr().out
    assert "SHA-256 of the weights" in out
    assert "climatology" in out
    assert (tmp_path / "run/package/fcn.mdlus").exists()


def test_train_without_data_learns_from_the_world_and_repeats(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = []
    for name in ("one", "other"):
        random_reanalysis(
            tmp_path / name / "world.zarr", "2025-09-13", 40
        )  # five days to verify on, five to learn from
        train(None, tmp_path / name, None, None, 1e9, steps=2)
        assert "72 h" in capsys.readouterr().out
        weights.append((tmp_path / name / "package/fcn.mdlus").read_bytes())
    assert weights[0] == weights[1]


def test_a_run_that_a_store_keeps_goes_on_in_another_folder_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    random_reanalysis(tmp_path / "world.zarr", "2020-01-01", 30)
    data, keep = f"file://{tmp_path}/world.zarr", f"file://{tmp_path}/kept"
    assert train(data, tmp_path / "whole", None, None, 1e9, steps=3)
    machines = iter(range(9))
    while not train(data, tmp_path / f"machine{next(machines)}", None, None, 0, 3, keep):
        assert Store.open(keep).exists(CHECKPOINT)
    assert next(machines) == 3, "a step each"
    weights = (tmp_path / "whole/package/fcn.mdlus").read_bytes()
    assert Store.open(keep).read("package/fcn.mdlus") == weights
