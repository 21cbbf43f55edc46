"""`hourcast nests`: the plan as a table, and a prepared run of each that was chosen, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from models.chain import JOB, Job
from pipeline import nest_plan, paths
from pipeline.operate import nests as operate_nests
from pipeline.physics.inputs import InputError
from pipeline.science.hazards import Box
from pipeline.store import Store
from tests.physics.test_physics import write_gfs
from tests.products.example_store import HOUR, write_example_store

PLACES = {"programs": "/opt/model", "data": "/shared/fixed", "image": ""}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A deployment whose plan holds a run for today and one that is too dear."""
    store: Store = write_example_store(tmp_path / "store", last_lead=1)
    write_gfs(tmp_path / "mirror", last_hour=24)
    boxes = [Box(45, 9, 350, 350, []), Box(-45, 9, 1400, 1400, [])]
    found = [nest_plan.candidate(HOUR, 0, n, box, {"strong_wind": 5e4}, 2.0) for n, box in enumerate(boxes, 1)]
    plan = nest_plan.plan(HOUR, nest_plan.decide(found, found[0].dollars[2] + 0.01, 2.0))
    store.write(paths.nests(HOUR), json.dumps(plan | {"synthetic": True, "unknown": ["heavy_rain"]}).encode())
    settings = {"store": f"file://{tmp_path}/store", "sources": {"gfs": {"endpoint": f"file://{tmp_path}/mirror"}}}
    path = tmp_path / "forecast.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def test_the_plan_is_shown_with_its_reasons(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    operate_nests.show_plan(config, None)
    shown = " ".join(capsys.readouterr().out.split())
    assert "SYNTHETIC" in shown
    assert "strong_wind" in shown
    assert "chosen:" in shown
    assert "of the budget" in shown
    assert "Not known from this hour's ensembles: heavy_rain." in shown


def test_what_was_chosen_is_prepared_once(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "runs"
    run = folder / f"{HOUR}-day1-1"
    operate_nests.prepare_chosen(config, str(HOUR), folder, PLACES, submit=False)
    described = (run / JOB).stat().st_mtime_ns
    operate_nests.prepare_chosen(config, str(HOUR), folder, PLACES, submit=False)
    assert (run / JOB).stat().st_mtime_ns == described
    assert [path.name for path in folder.iterdir()] == [run.name]
    assert Job.read(run).run.start == HOUR.init_time
    assert len(list(run.glob("GRIBFILE.*"))) == 9
    assert (run / "namelists/wrf/namelist.input").exists()
    assert capsys.readouterr().out.splitlines() == [f"{run}: prepared"] * 2


def test_a_run_whose_inputs_have_not_arrived_is_prepared_the_next_time(config: Path, tmp_path: Path) -> None:
    folder, mirror = tmp_path / "runs", tmp_path / "mirror"
    mirror.rename(tmp_path / "late")
    with pytest.raises(InputError, match="it is not there"):
        operate_nests.prepare_chosen(config, str(HOUR), folder, PLACES, submit=False)
    assert list(folder.glob(f"*/{JOB}")) == []
    (tmp_path / "late").rename(mirror)
    operate_nests.prepare_chosen(config, str(HOUR), folder, PLACES, submit=False)
    assert len(list(folder.glob(f"*/{JOB}"))) == 1


def test_an_hour_without_a_plan_is_told(config: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no plan of nests"):
        operate_nests.show_plan(config, "2026-02-01T00")
