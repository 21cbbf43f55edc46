"""The published scaling of MPAS and WRF is recovered, with its uncertainty; laws follow from their own points."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.slurm.measured import CASE, measure
from pipeline.slurm.scaling import COLUMNS, SIMULATED, choices, fit, read_measurements

LAURA = {64: 26.0, 128: 55.0, 256: 105.0}
LAURA_DOLLARS = 330.0
LAURA_HOURS = 48.0  # what the price and the speeds come to: 330 * 26 / (64 * 2.88) = 46.5


def test_the_published_mpas_run_is_recovered() -> None:
    scaling = fit(read_measurements(), "mpas_laura_15_3km")
    for choice in choices(scaling, LAURA_HOURS, None):
        speed, low, high = choice.speed
        assert abs(speed / LAURA[choice.nodes] - 1) < 0.05
        assert low < LAURA[choice.nodes] < high
        assert abs(choice.price[0] / LAURA_DOLLARS - 1) < 0.06


@pytest.mark.parametrize(("deadline", "nodes"), [(None, 64), (2.5, 64), (1.0, 128), (0.5, 256), (0.1, None)])
def test_of_equal_prices_the_fewest_nodes_that_are_in_time(deadline: float | None, nodes: int | None) -> None:
    scaling = fit(read_measurements(), "mpas_laura_15_3km")
    found = [choice.nodes for choice in choices(scaling, LAURA_HOURS, deadline) if choice.recommended]
    assert found == ([] if nodes is None else [nodes])


def test_the_published_wrf_ratios_are_recovered() -> None:
    scaling = fit(read_measurements(), "wrf_conus_2.5km")
    published = {"hpc6a.48xlarge": 3.46, "hpc7a.96xlarge": 9.30, "hpc8a.96xlarge": 12.68}
    for instance, ratio in published.items():
        speed = scaling.speed(instance, [8])[:, 0]
        assert speed[0] == pytest.approx(ratio, rel=1e-3)
        assert 0.005 < speed.std() / ratio < 0.04
    assert scaling.speed("hpc7a.96xlarge", [1])[0, 0] == pytest.approx(1, rel=1e-3)
    best = next(choice for choice in choices(scaling, 6, None) if choice.recommended)
    assert best.instance == "hpc8a.96xlarge"
    with pytest.raises(ValueError, match="only as ratios"):
        choices(scaling, 6, 1.0)


def test_the_embedded_core_is_measured_here() -> None:
    if find_spec("jcm") is None:
        pytest.skip("needs jcm: pip install 'hourcast[world]'")
    rows = measure([1], segments=3, segment_hours=6)
    assert rows["nodes"].tolist() == [1]
    (choice,) = choices(fit(rows, CASE), 24, None)
    assert choice.speed[0] == pytest.approx(rows["speed"][0])
    with pytest.raises(ValueError, match=r"expected 1 to \d+ processors"):
        measure([1, 4096])


def _table(nodes: list[int], times: np.ndarray) -> pd.DataFrame:
    rows = [("c", SIMULATED, "i", n, 1 / t, 0.01, 1.0, "", "") for n, t in zip(nodes, times, strict=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@given(st.floats(0, 0.05), st.floats(0.1, 2), st.floats(0, 0.5), st.floats(0, 0.02))
def test_a_law_is_recovered_from_its_own_points(serial: float, work: float, memory: float, tree: float) -> None:
    nodes = [1, 2, 4, 8, 16, 32]
    n = np.array(nodes, float)
    law = serial + work / n + memory / n**2 + tree * np.log2(n)
    scaling = fit(_table(nodes, law), "c")
    assert np.allclose(scaling.speed("i", nodes)[0], 1 / law, rtol=1e-5)


def test_where_communication_takes_over_more_nodes_are_no_faster_and_dearer() -> None:
    nodes = [1, 4, 16, 64, 256]
    n = np.array(nodes, float)
    scaling = fit(_table(nodes, 0.02 + 1 / n + 0.02 * np.log2(n)), "c")
    speed = scaling.speed("i", [16, 256])[0]
    assert speed[1] < speed[0]
    prices = [choice.price[0] for choice in choices(scaling, 24, None, nodes)]
    assert prices == sorted(prices)


@pytest.mark.parametrize(
    ("text", "message"),
    [("case,nodes\na,1\n", "missing unit"), (",".join(COLUMNS) + "\nc,u,i,0,1,0.1,1,d,s\n", "positive numbers")],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_measurements(tmp_path / "t.csv")
    with pytest.raises(ValueError, match="mpas_laura"):
        fit(read_measurements(), "elsewhere")
