"""What ablation and adversaries do to the science is undone, and their figures are of known cases."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from bench import ablation, adversary
from pipeline import paths
from pipeline.demo import HOUR
from pipeline.science import skill as skills
from pipeline.science.pools import single
from tests.steps.stored_inputs import tiny_deployment


@pytest.mark.parametrize("part", ablation.WITHOUT)
def test_a_part_is_left_out_within_and_back_afterwards(part: str) -> None:
    names = [target.rsplit(".", 1) for target in ablation.WITHOUT[part]]
    before = [getattr(import_module(module), name) for module, name in names]
    with ablation.without(part):
        assert all(
            getattr(import_module(module), name) is not old for (module, name), old in zip(names, before, strict=True)
        )
    assert all(getattr(import_module(module), name) is old for (module, name), old in zip(names, before, strict=True))


def test_nothing_is_bounded_without_bounds() -> None:
    means = []
    for part in (ablation.WHOLE, "bounds on gross errors"):
        state = skills.zero(("gfs",), (24.0,), single(4))
        with ablation.without(part):
            for error in (1, 2, 1, 2, 1, 900):
                skills.update(state, 0, np.full((1, 4), error, np.float32))
            assert np.isfinite(skills.uncertainty(state, 0)).all(), "what is believed of means does not go with bounds"
        means.append(state.bias.max())
    assert means[0] < 2
    assert means[1] > 100


def test_the_time_to_half_is_counted_to_the_furthest_point() -> None:
    assert adversary._hours_until_half(np.array([0.2, 0.18, 0.1, 0.05, 0.0])) == 48
    assert adversary._hours_until_half(np.array([0.2, 0.201, 0.199])) is None


def test_the_tables_show_what_is_sure() -> None:
    record = {"parameter": "temperature_2m", "lead_time_hours": 24, "rmse": 1.0, "gain": 0.0}
    records = [
        record | {"without": part, "gain": 0.01 * index, "gain_low": 0.01 * index - 0.015, "gain_high": 0.05}
        for index, part in enumerate(ablation.WITHOUT)
    ]
    cells = [column._cells[0] for column in ablation.table(records).columns]
    assert cells[3] == "+1.0 (-0.5 to +5.0)"
    assert cells[4] == "[bold]+2.0 (+0.5 to +5.0)[/]"


def test_the_ramps_gain_is_the_loss_without_it(tmp_path: Path) -> None:
    found = {"parameter": "temperature_2m", "n": 9, "rmse": 0.8, "rmse_without_ramp": 1.0, "difference_low": -0.3,
             "difference_high": -0.1}  # fmt: skip
    deployment = tiny_deployment(tmp_path)
    scored = [found | {"lead_time_hours": lead} for lead in (0, 1, 5)]
    deployment.store.write(paths.scores(HOUR, "ramp.json"), json.dumps(scored).encode())
    records = ablation.ramp_records(deployment)
    assert [record["lead_time_hours"] for record in records] == [0, 1]
    cells = [column._cells for column in ablation.ramp_table(records).columns]
    assert cells[1] == ["[bold]+25.0 (+12.5 to +37.5)[/]"]
    assert cells[3] == ["-"]
