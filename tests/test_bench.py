from __future__ import annotations

import pytest

from bench.__main__ import main
from bench.cases import CASES
from bench.measure import median_seconds


def test_cases_have_the_names_that_others_read() -> None:
    assert {"a_blend", "b_quantiles", "c_oi", "d_bias", "e_bilinear", "f_kmeans"} <= set(CASES)


def test_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a_blend", "g_nothing"]) == 2
    assert "found g_nothing" in capsys.readouterr().err


def test_first_run_is_left_out_of_the_median() -> None:
    calls: list[int] = []
    seconds, runs = median_seconds(lambda: calls.append(1))
    assert len(calls) == runs + 1
    assert seconds < 0.1
