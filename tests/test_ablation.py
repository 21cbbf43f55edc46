"""What ablation and adversaries do to the science is undone, and their figures are of known cases."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from bench import ablation, adversary
from pipeline.grid import Grid
from pipeline.science import skill as skills
from pipeline.science import station_bias
from pipeline.science.pools import single
from pipeline.steps.assimilation import Background
from pipeline.steps.verify_ramp import RampRecord


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


def test_the_ramps_gain_is_the_loss_without_it() -> None:
    found = RampRecord(parameter="temperature_2m", n=9, lead_time_hours=1, rmse=0.8, rmse_without_ramp=1.0,
                       difference_low=-0.3, difference_high=-0.1)  # fmt: skip
    cells = [column._cells for column in ablation.ramp_table([ablation._ramp_record(found)]).columns]
    assert cells[2] == ["[bold]+25.0 (+12.5 to +37.5)[/]"]
    assert cells[3] == ["-"]


def test_a_station_has_no_part_in_what_the_ramp_adds_there() -> None:
    """Stations in pairs of one place, the pairs far apart: each has what the other says of it, and no more."""
    grid = Grid(1.0)
    flat = np.zeros(grid.shape)
    background = Background(np.full(grid.shape, 285, np.float32), np.ones(grid.shape), flat, flat, 1.2)
    table = pd.DataFrame({
        "network": "metar", "station": [f"S{i}" for i in range(20)], "latitude": 0.0, "elevation": 0.0, "error": 0.5,
        "longitude": [36.0 * (i // 2) for i in range(20)], "value": [285.0 + (i % 2) for i in range(20)],
    })  # fmt: skip
    blend = np.full((2, *grid.shape), 285, np.float32)
    said = ablation.left_out("temperature_2m", table, blend, background, grid, station_bias.zero())
    assert sorted(said["station"]) == sorted(table["station"])
    increment = said.set_index("station").loc[table["station"], "increment"]
    full = 1.2**2 / (1.2**2 + 0.5**2)
    np.testing.assert_allclose(increment, [full * (1 - i % 2) for i in range(20)], atol=0.01)
    assert (said["1"] == 285).all()
