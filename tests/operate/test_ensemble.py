"""The commands of the ensemble: slices as an array job runs them, a signal's exit code, storms against a best track."""

from __future__ import annotations

import gzip
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("torch")

from models import emulator
from pipeline import paths
from pipeline.operate import ensemble as operate_ensemble
from pipeline.operate.status import show_status
from pipeline.products.storm_files import write_best
from pipeline.products.tracks import feature_collection
from pipeline.science.tracks import Fix
from pipeline.steps import Deployment
from pipeline.steps.ensembles import open_ensemble
from pipeline.steps.served import ensembles
from tests.steps.small_ensemble import HOUR, small_ensemble


def configured(folder: Path, **changes: object) -> tuple[Path, Deployment]:
    deployment = small_ensemble(folder, **changes)
    path = folder / "forecast.yaml"
    path.write_text(yaml.safe_dump(json.loads(deployment.config.model_dump_json(exclude_none=True))))
    return path, deployment


def test_the_last_job_to_finish_makes_the_ensemble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, deployment = configured(tmp_path, members_per_job=3)
    operate_ensemble.make_ensemble(path, "2025-09-05T00", None, None, job=1)
    assert ensembles(deployment, HOUR) == []
    operate_ensemble.make_ensemble(path, "2025-09-05T00", None, None, job=0)
    assert ensembles(deployment, HOUR) == ["fourcastnet"]
    out = capsys.readouterr().out
    assert out.splitlines()[:3] == [
        "members 03-05 are done", "members 00-02 are done", paths.ensemble(HOUR, "fourcastnet"),
    ]  # fmt: skip
    spread = open_ensemble(deployment, HOUR, "fourcastnet")["temperature_2m_spread"].sel(lead_time=24)
    area = np.cos(np.deg2rad(spread["latitude"].values))[:, None] * np.ones(spread.shape[1])
    (day,) = (line for line in out.splitlines() if "temperature at 2 m" in line)
    assert float(day.split("│")[3]) == pytest.approx(np.sqrt(np.average(spread.values**2, weights=area)), rel=0.01)
    show_status(path, "2025-09-05T00")
    for shown in (out, capsys.readouterr().out):
        assert "$ each" in shown
        assert shown.index("00-02") < shown.index("03-05", shown.index("00-02"))
    with pytest.raises(ValueError, match="a job from 0 to 1; found 2"):
        operate_ensemble.make_ensemble(path, "2025-09-05T00", None, None, job=2)


def test_a_signal_ends_it_with_the_code_that_says_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, deployment = configured(tmp_path)
    real = emulator.FourCastNet.steps

    def signalling(self: emulator.FourCastNet, states: Any, **told: Any) -> object:
        for number, after in enumerate(real(self, states, **told)):
            if number == 2 and len(states) == 6:
                os.kill(os.getpid(), signal.SIGTERM)
            yield after

    monkeypatch.setattr(emulator.FourCastNet, "steps", signalling)
    with pytest.raises(SystemExit) as stopped:
        operate_ensemble.make_ensemble(path, "2025-09-05T00", None, None, None)
    assert stopped.value.code == 75
    monkeypatch.undo()
    operate_ensemble.make_ensemble(path, "2025-09-05T00", None, None, None)
    assert ensembles(deployment, HOUR) == ["fourcastnet"]


def test_storms_are_compared_with_a_best_track(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, deployment = configured(tmp_path)
    truth = tuple(Fix(6.0 * k, 20.0, -60.0 - k, 98_000.0, 40.0) for k in range(9))
    members = {
        n: [tuple(Fix(f.lead_hours, f.latitude + n - 1, f.longitude, f.pressure, 30.0) for f in truth)]
        for n in range(3)
    }  # fmt: skip
    collection = feature_collection(members, HOUR, "fourcastnet", synthetic=True)
    deployment.store.write(paths.tracks(HOUR, "fourcastnet.geojson"), json.dumps(collection).encode())
    best = tmp_path / "bal012025.dat"
    best.write_text(write_best(truth, HOUR, "AL", 1))
    operate_ensemble.show_tracks(path, "2025-09-05T00", best)
    out = capsys.readouterr().out
    assert "AL012025 +24 h: spread 111 km, error of the mean 0 km" in out
    assert "wind -10.1 m/s" in out  # 40 m/s are written as 78 kt, 40.1 m/s
    assert "3 of 3" in out
    zipped = tmp_path / "bal012025.dat.gz"  # as a centre's archive has it
    zipped.write_bytes(gzip.compress(best.read_bytes()))
    operate_ensemble.show_tracks(path, "2025-09-05T00", zipped)
    assert capsys.readouterr().out == out
    with pytest.raises(FileNotFoundError, match="no tracks of 20250906T00Z"):
        operate_ensemble.show_tracks(path, "2025-09-06T00", None)
