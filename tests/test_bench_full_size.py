"""The run that waits for a GPU, at a size that a CPU does; and the arithmetic of what to expect of it."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from bench import full_size  # noqa: E402
from models.afno import Shape  # noqa: E402

SMALL, CPU = Shape(12, 24, 26, patch=4, width=16, depth=1, blocks=2), torch.device("cpu")


def test_steps_are_timed_in_every_precision_beside_their_errors() -> None:
    exact, *lower = full_size.single_steps(SMALL, CPU, steps=1)
    assert exact["error_to_float32"] == 0
    assert [row["batch"] for row in lower] == [*full_size.BATCHES]
    assert all(0 < float(str(row["error_to_float32"])) < 0.1 for row in lower)


def test_the_whole_loop_breeds_steps_and_writes(tmp_path: Path) -> None:
    job, seconds = full_size.whole_loop(SMALL, 2, 3, tmp_path)
    assert (job.members, job.member_steps, job.device) == (3, 9, "cpu")
    assert 0 < job.busy <= job.seconds < seconds
    assert len(list(tmp_path.rglob("statistics/*.npy"))) == 4


def test_a_cycle_is_under_three_minutes_and_a_dollar_a_day_by_the_model() -> None:
    sizes, parts = full_size.output_bytes(), full_size.EXPECTED.seconds()
    assert full_size.member_steps() == 1984
    assert sizes["members"] == 31 * 61 * 5 * 720 * 1440 * 2
    assert sizes["states"] == 31 * 26 * 720 * 1440 * 4, "once, in the middle"
    assert parts["computing"] == pytest.approx(1984 * 0.022)
    assert parts["cycle"] == parts["start"] + parts["noise"] + parts["output"] < 180
    assert 4 * 1.861 * parts["cycle"] / 3600 < 1
