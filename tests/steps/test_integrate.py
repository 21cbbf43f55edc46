"""Members: the same however they are shared out and wherever they were stopped."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from models import emulator
from pipeline import journal, paths
from pipeline.steps import Deployment, integrate
from pipeline.steps.initial_state import MODEL
from tests.steps.small_ensemble import HOUR, small_ensemble

STEPS = 6  # of six hours, to 30 hours after an hour that is 6 hours after the analysis


def _members(deployment: Deployment) -> dict[str, bytes]:
    """Everything that was stored of the members and over them, by key."""
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


def test_any_split_over_jobs_gives_the_same_members(tmp_path: Path) -> None:
    one, three, eleven = (
        _run(small_ensemble(tmp_path / str(size), members=30, members_per_job=size)) for size in (31, 11, 3)
    )
    single = {key: data for key, data in one.items() if "statistics" not in key}
    assert len(single) == 31 * (STEPS + 1)
    assert three == eleven == single


@pytest.mark.parametrize("step", range(STEPS))
def test_a_job_stopped_at_any_step_continues_and_leaves_the_same_bytes(
    tmp_path: Path, whole: dict[str, bytes], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, real, signalled = small_ensemble(tmp_path), emulator.FourCastNet.steps, []

    def signalling(self: emulator.FourCastNet, states: Any, **told: Any) -> object:
        for number, after in enumerate(real(self, states, **told)):
            if number == step and len(states) == 6 and not signalled:
                signalled.append(os.kill(os.getpid(), signal.SIGTERM))
            yield after

    monkeypatch.setattr(emulator.FourCastNet, "steps", signalling)
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
    starts = {key: data for key, data in whole.items() if key.endswith("/000.npy") and "statistics" not in key}
    assert len(set(starts.values())) == len(starts) == 6


def test_the_gate_judges_every_value_of_a_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment, real = small_ensemble(tmp_path), emulator.FourCastNet.steps

    def hot(self: emulator.FourCastNet, states: Any, **told: Any) -> object:
        for number, after in enumerate(real(self, states, **told)):
            if number == 1 and len(states) == 6:
                after[4, 2, 3, 5] = 500.0
            yield after

    monkeypatch.setattr(emulator.FourCastNet, "steps", hot)
    integrate.run(deployment, HOUR, "00-05")
    record = json.loads(deployment.store.read(paths.work(HOUR, f"{MODEL}/00-05.json")))
    assert [number for number, reasons in record["implausible"].items() if reasons] == ["4"]
    assert "temperature_2m reaches" in record["implausible"]["4"][0]
    assert "to 500 K" in record["implausible"]["4"][0]


def test_how_a_job_used_its_machine_is_noted_over_all_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment, real, calls = small_ensemble(tmp_path), integrate._write, []

    def failing(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 23:  # within step 3, one after the checkpoint
            raise OSError(28, "the disk is full")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(integrate, "_write", failing)
    with pytest.raises(OSError, match="full"):
        integrate.run(deployment, HOUR, "00-05")
    (first,) = journal.jobs(deployment.store, HOUR)
    monkeypatch.undo()
    integrate.run(deployment, HOUR, "00-05")
    (job,) = journal.jobs(deployment.store, HOUR)
    assert (job.shard, job.device, job.members, first.member_steps) == ("00-05", "cpu", 6, 12)
    assert job.member_steps == 12 + 6 * (STEPS - 2)
    assert 0 < first.busy < job.busy < job.seconds
    assert 50 < job.host_mib < 50_000
    assert journal.entries(deployment.store, HOUR) == []


def test_without_initial_conditions_there_is_an_error_and_no_output(tmp_path: Path) -> None:
    deployment = small_ensemble(tmp_path)
    deployment.store.delete(paths.work(HOUR, MODEL))
    with pytest.raises(FileNotFoundError):
        integrate.run(deployment, HOUR, "00-05")
    assert deployment.store.list(paths.work(HOUR, MODEL)) == []
