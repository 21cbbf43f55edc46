"""Members: the same however they are shared out and wherever they were stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from models import emulator
from pipeline import paths
from pipeline.sources.fourcastnet import PARAMETERS
from pipeline.steps import Deployment, integrate
from pipeline.steps.initial_state import MODEL
from tests.steps.small_ensemble import HOUR, small_ensemble

STEPS = 6  # of six hours, to 30 hours after an hour that is 6 hours after the analysis


def _members(deployment: Deployment) -> dict[str, bytes]:
    """Everything that was stored of the members, by key."""
    folder = paths.work(HOUR, MODEL)
    return {
        info.key: deployment.store.read(info.key)
        for info in deployment.store.list(folder) if info.key.endswith(".npy")
    }  # fmt: skip


def _run(deployment: Deployment) -> dict[str, bytes]:
    for shard in integrate.shards(deployment, HOUR):
        integrate.run(deployment, HOUR, shard)
    return _members(deployment)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return _run(small_ensemble(tmp_path_factory.mktemp("whole")))


def test_slices_cover_the_members_once(tmp_path: Path) -> None:
    assert integrate.shards(small_ensemble(tmp_path, members=30, members_per_job=10), HOUR) == [
        "00-09", "10-19", "20-29", "30-30",
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 4])
def test_any_split_over_jobs_gives_the_same_members(tmp_path: Path, whole: dict[str, bytes], size: int) -> None:
    assert len(whole) == 6 * (STEPS + 1)
    assert _run(small_ensemble(tmp_path, members_per_job=size)) == whole


@pytest.mark.parametrize("step", range(STEPS))
def test_a_job_stopped_at_any_step_continues_and_leaves_the_same_bytes(
    tmp_path: Path, whole: dict[str, bytes], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, real, signalled = small_ensemble(tmp_path), emulator.FourCastNet.run, []

    def signalling(self: emulator.FourCastNet, states: np.ndarray, *, seeds: list[int]) -> object:
        for number, after in enumerate(real(self, states, seeds=seeds)):
            if number == step and len(states) == 6 and not signalled:
                signalled.append(os.kill(os.getpid(), signal.SIGTERM))
            yield after

    monkeypatch.setattr(emulator.FourCastNet, "run", signalling)
    with pytest.raises(integrate.StoppedError, match=f"after step {step} of {STEPS}"):
        integrate.run(deployment, HOUR, "00-05")
    integrate.run(deployment, HOUR, "00-05")
    assert _members(deployment) == whole


@pytest.mark.parametrize("written", [3, 11, 20])
def test_a_full_disk_or_a_power_cut_between_two_writes_leaves_nothing_wrong(
    tmp_path: Path, whole: dict[str, bytes], written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, real, calls = small_ensemble(tmp_path), integrate._write, []

    def failing(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == written:
            raise OSError(28, "the disk is full; free some space")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(integrate, "_write", failing)
    with pytest.raises(OSError, match="free some space"):
        integrate.run(deployment, HOUR, "00-05")
    assert not deployment.store.exists(paths.work(HOUR, f"{MODEL}/00-05.json"))
    monkeypatch.undo()
    integrate.run(deployment, HOUR, "00-05")
    assert _members(deployment) == whole


def test_member_0_starts_from_the_analysis_and_no_two_members_are_alike(whole: dict[str, bytes]) -> None:
    starts = {key: data for key, data in whole.items() if key.endswith("/000.npy")}
    assert len(set(starts.values())) == len(starts) == 6


def test_what_is_kept_is_in_the_units_of_the_catalogue() -> None:
    states = np.stack([np.full((2, 3), value, np.float32) for value in (3, 4, 290, 101_000)])[None]
    fields = integrate.kept(states, ("u10m", "v10m", "t2m", "msl"))
    assert dict(zip(PARAMETERS, fields[0, :, 0, 0].tolist(), strict=True)) == {
        "temperature_2m": 290, "eastward_wind_10m": 3, "northward_wind_10m": 4, "wind_speed_10m": 5,
        "pressure_at_sea_level": 101_000,
    }  # fmt: skip
    with pytest.raises(ValueError, match="does not forecast pressure_at_sea_level"):
        integrate.kept(states[:, :3], ("u10m", "v10m", "t2m"))


def test_without_initial_conditions_there_is_an_error_and_no_output(tmp_path: Path) -> None:
    deployment = small_ensemble(tmp_path)
    deployment.store.delete(paths.work(HOUR, MODEL))
    with pytest.raises(FileNotFoundError):
        integrate.run(deployment, HOUR, "00-05")
    assert deployment.store.list(paths.work(HOUR, MODEL)) == []
