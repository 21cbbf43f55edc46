from __future__ import annotations

import numpy as np
import pytest

from bench import model, picture
from bench.__main__ import CASES, HOURS, main
from bench.measure import timed
from bench.stopwatch import Stopwatch

SLICE = {
    "name": "hour_slice", "implementation": "hourcast", "seconds": 40.0, "core_seconds": 40.0,
    "bandwidth_fraction": 0.01,
    "peak_memory_bytes": 2**30, "output_megabytes_per_second_a_core": 160.0, "validate_seconds": 4.0,
    "input_bytes": 4e9, "input_stored_bytes": 1e9, "output_bytes": 6e9, "output_stored_bytes": 1e9,
    "arrays": {"best": 25, "quantile": 21, "exceedance": 14},
    "seconds_by_step": {
        "read": 1.0, "decode": 3.0, "weights": 1.0, "align": 4.0, "blend": 2.0, "ramp": 1.0, "consistency": 1.0,
        "derive": 5.0, "probability": 10.0, "round": 2.0, "encode": 8.0, "write": 1.0, "other": 1.0,
    },
}  # fmt: skip


def test_cases_have_the_names_that_others_read() -> None:
    expected = {
        "a_blend",
        "b_quantiles",
        "c_oi",
        "d_bias",
        "e_bilinear",
        "e_conservative",
        "f_kmeans",
        "g_zarr",
        "h_derive",
        "i_export",
        "j_wrfout",
        "k_mpas",
        "ensemble",
    }
    assert expected | {"hour_slice", "hour_full_model"} == {*CASES, *HOURS}


def test_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a_blend", "g_nothing"]) == 2
    assert "found g_nothing" in capsys.readouterr().err


def test_first_run_is_left_out_of_the_median() -> None:
    calls: list[int] = []
    timing = timed(lambda: calls.append(1))
    assert len(calls) == timing.runs + 2, "one to compile, one for the memory"
    assert timing.least <= timing.median < 0.1


def test_every_second_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("bench.stopwatch.thread_time", lambda: clock[0])

    class Work:
        def inner(self) -> None:
            clock[0] += 2

        def outer(self) -> None:
            clock[0] += 1
            self.inner()

    with Stopwatch("other") as watch:
        watch.wrap(Work, "inner", "inner")
        watch.wrap(Work, "outer", "outer")
        Work().outer()
        clock[0] += 4
    assert dict(watch.seconds) == {"inner": 2.0, "outer": 1.0, "other": 4.0}
    Work().inner()
    assert watch.seconds["inner"] == 2, "no longer wrapped"


def test_a_full_hour_is_the_slice_scaled_up() -> None:
    hour = model.hour_full_model(SLICE)[0]
    assert sum(hour["core_minutes_by_work"].values()) == pytest.approx(hour["core_minutes"], abs=0.5)
    assert hour["growth"]["half the grid spacing"] == pytest.approx(4, rel=0.01)
    assert 1 < hour["growth"]["twice the members"] < hour["growth"]["twice the leads"] <= 2.01
    quick, slow = hour["in_10_minutes"], hour["in_25_minutes"]
    assert quick["instances"] >= slow["instances"] >= 1
    assert quick["vcpu_minutes"] >= hour["core_minutes"]


def test_the_picture_shows_what_there_is() -> None:
    drawn = picture.draw([SLICE, *model.hour_full_model(SLICE)])
    assert "160 MB/s of output a core second" in drawn
    assert "core minutes" in drawn
    assert picture.draw([]).startswith("<svg")


def test_precision_is_measured_as_a_gpu_would_round(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from bench import precision
    from models import weights
    from models.inputs import SHIPPED
    from models.training.data import Reanalysis

    with precision.Tf32():
        one = torch.tensor([[1 + 2**-10, 1 + 2**-12]])  # the last of 10 bits is kept, two further are not
        assert torch.matmul(one, torch.eye(2)).tolist() == [[1 + 2**-10, 1.0]]
    monkeypatch.setattr(precision, "STARTS", 1)
    monkeypatch.setattr(precision, "LEADS", (6,))
    states = np.random.default_rng(0).standard_normal((3, 20, 60, 120)).astype(np.float32)
    shipped = weights.read(SHIPPED, [weights.shipped_checksum()])
    times = np.datetime64("2025-08-04T00", "s") + 3 * np.arange(3) * np.timedelta64(1, "h")
    unseen = Reanalysis(states, times, shipped.variables, shipped.mean, shipped.scale, shipped.scale, 3)
    rows = list(precision.differences(shipped, unseen))
    assert [row[:2] for row in rows] == [(name, v) for name in ("TF32", "bfloat16") for v in precision.VARIABLES]
    assert all(0 < difference < 0.02 * error for *_, difference, error in rows)
