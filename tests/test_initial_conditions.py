"""Initial conditions: what the model asks for, in its order, on its grid, or an error that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.inputs import Inputs
from models.variables import GRAVITY
from pipeline import initial_conditions, paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.initial_conditions import AnalysisError
from pipeline.parameters import blended
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.initial_state import RECORD, STATE, read
from pipeline.store import Store
from tests.grib_samples import COLUMNS, ROWS, of_parameter

HOUR = Cycle.parse("2025-09-05T00")
ANALYSIS = HOUR - 12  # GDAS comes after seven hours
INPUTS = Inputs(("t2m", "u10m", "z500", "r850"), ROWS - 1, COLUMNS)
VALUES = {
    "temperature_2m": 285.0, "eastward_wind_10m": -3.0, "geopotential_height_500hpa": 5600.0,
    "relative_humidity_850hpa": 0.5,
}  # fmt: skip


def deployment_of(
    folder: Path, values: dict[str, float | np.ndarray], package: Inputs = INPUTS, **settings: object
) -> Deployment:
    """With a bucket that holds one analysis of those values."""
    analysis_of(folder, values, ANALYSIS)
    (folder / "package").mkdir()
    known = {"variables": package.variables, "rows": package.rows, "columns": package.columns}
    (folder / "package/config.json").write_text(json.dumps(known))
    return Deployment.open(Config.model_validate({
        "store": f"file://{folder}/store", "synthetic": True, "grid_resolution": 30, "last_lead_hours": 12,
        "sources": {"gdas": {"endpoint": f"file://{folder}/feeds"}, "fourcastnet": {}},
        "fourcastnet": {"package": f"file://{folder}/package", "analysis": "gdas"} | settings,
    }))  # fmt: skip


def analysis_of(folder: Path, values: dict[str, float | np.ndarray], cycle: Cycle) -> None:
    """Puts an analysis of those values into the bucket."""
    bucket = folder / "feeds" / SOURCES["gdas"].folder
    key = SOURCES["gdas"].key(cycle, 0)
    data, index = b"", []
    for number, (name, value) in enumerate(values.items(), 1):
        row = blended()[name]
        scale = 100.0 if name.startswith("relative") else 1.0  # NCEP sends per cent
        field = np.broadcast_to(value, (ROWS, COLUMNS)) * scale
        index.append(f"{number}:{len(data)}:d={cycle.init_time:%Y%m%d%H}:{SOURCES['gdas'].names(row)[0]}:anl:")
        data += of_parameter(row, cycle, 0, 0, field)
    (bucket / key).parent.mkdir(parents=True)
    (bucket / key).write_bytes(data)
    (bucket / f"{key}.idx").write_text("\n".join(index) + "\n")


def stored(deployment: Deployment) -> Store:
    return deployment.store.child(paths.work(HOUR, ""))


def test_the_state_is_in_the_models_order_units_and_grid(tmp_path: Path) -> None:
    deployment = deployment_of(tmp_path, VALUES)
    initial_conditions.run(deployment, HOUR, "fourcastnet")
    found = read(deployment, HOUR)
    assert found.cycle == ANALYSIS
    assert found.state.shape == (4, ROWS - 1, COLUMNS)  # the model has no south pole
    np.testing.assert_allclose(found.state[:, 1, 1], [285, -3, 5600 * GRAVITY, 50], rtol=1e-3)
    assert found.record["source"] == "gdas"
    assert len(found.record["files"]) == 1  # type: ignore[arg-type]
    first = {info.key: deployment.store.read(info.key) for info in deployment.store.list("work")}
    initial_conditions.run(deployment, HOUR, "fourcastnet")
    assert {info.key: deployment.store.read(info.key) for info in deployment.store.list("work")} == first


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"temperature_2m": None}, "lacks t2m"),
        ({"temperature_2m": 400.0}, "t2m is expected within 170 and 340 K"),
        ({"geopotential_height_500hpa": np.full((ROWS, COLUMNS), np.nan)}, "z500"),
    ],
)
def test_a_bad_analysis_is_named_and_nothing_is_stored(
    tmp_path: Path, change: dict[str, float | None], expected: str
) -> None:
    values = {name: value for name, value in (VALUES | change).items() if value is not None}
    deployment = deployment_of(tmp_path, values)
    with pytest.raises(AnalysisError, match=expected):
        initial_conditions.run(deployment, HOUR, "fourcastnet")
    assert not deployment.store.exists(paths.work(HOUR, RECORD))
    assert not deployment.store.exists(f"{paths.work(HOUR, STATE)}/zarr.json")


def test_an_analysis_that_has_not_come_says_so(tmp_path: Path) -> None:
    deployment = deployment_of(tmp_path, VALUES)
    with pytest.raises(AnalysisError, match="no analysis of gdas has arrived"):
        initial_conditions.run(deployment, HOUR + 48, "fourcastnet")


def test_a_model_that_wants_what_no_source_has_says_so(tmp_path: Path) -> None:
    deployment = deployment_of(tmp_path, VALUES, Inputs(("t2m", "q500"), ROWS - 1, COLUMNS))
    with pytest.raises(AnalysisError, match="gdas has no q500"):
        initial_conditions.run(deployment, HOUR, "fourcastnet")


def test_without_a_configured_model_there_is_nothing_to_do(tmp_path: Path) -> None:
    deployment = deployment_of(tmp_path, VALUES)
    other = Deployment.open(deployment.config.model_copy(update={"fourcastnet": None}))
    assert initial_conditions.shards(other, HOUR) == []


@pytest.mark.parametrize(("kind", "earlier"), [("HemisphericCentredBredVector", 4), ("LaggedEnsemble", 2)])
def test_analyses_before_are_kept_where_perturbations_are_made_of_them(tmp_path: Path, kind: str, earlier: int) -> None:
    deployment = deployment_of(tmp_path, VALUES, perturbation=kind, members=2, enough_members=2)
    with pytest.raises(AnalysisError, match=f"{ANALYSIS - 6} of gdas lacks t2m"):
        initial_conditions.run(deployment, HOUR, "fourcastnet")
    for number in range(1, earlier + 1):
        analysis_of(tmp_path, VALUES | {"temperature_2m": 285.0 + number}, ANALYSIS - 6 * number)
    initial_conditions.run(deployment, HOUR, "fourcastnet")
    found = read(deployment, HOUR)
    np.testing.assert_allclose(found.analyses[:, 0, 1, 1], 285 + np.arange(earlier + 1), rtol=1e-3)
    assert len(found.record["files"]) == earlier + 1  # type: ignore[arg-type]
