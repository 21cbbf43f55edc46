"""What leaves the device is right, and writing keeps its order beside computing."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.device import Stopwatch, leaving  # noqa: E402
from pipeline.sources.fourcastnet import PARAMETERS  # noqa: E402
from pipeline.steps.stepping import extremes, in_order, kept  # noqa: E402


def test_what_is_kept_is_in_the_units_of_the_catalogue() -> None:
    states = torch.stack([torch.full((2, 3), value) for value in (3.0, 4.0, 290.0, 101_000.0)])[None]
    fields = kept(states, ("u10m", "v10m", "t2m", "msl"))
    assert dict(zip(PARAMETERS, fields[0, :, 0, 0].tolist(), strict=True)) == {
        "temperature_2m": 290, "eastward_wind_10m": 3, "northward_wind_10m": 4, "wind_speed_10m": 5,
        "pressure_at_sea_level": 101_000,
    }  # fmt: skip
    with pytest.raises(ValueError, match="does not forecast pressure_at_sea_level"):
        kept(states[:, :3], ("u10m", "v10m", "t2m"))


def test_extremes_are_numpys_and_show_what_is_not_finite() -> None:
    values = np.random.default_rng(0).standard_normal((2, 3, 4, 8)).astype(np.float32)
    area = np.cos(np.deg2rad([90, 45, 0, -45]))
    found = extremes(torch.as_tensor(values), torch.as_tensor(area)).numpy()
    mean = np.average(values.mean(3, dtype=np.float64), axis=2, weights=area)
    np.testing.assert_allclose(found, np.stack([values.min((2, 3)), values.max((2, 3)), mean], -1), rtol=1e-12)
    values[0, 1, 2, 3], values[1, 2, 0, 0] = np.nan, -np.inf
    lost = ~np.isfinite(extremes(torch.as_tensor(values), torch.as_tensor(area)).numpy()[..., :2]).all(-1)
    assert lost.tolist() == [[False, True, False], [False, False, True]]


def test_jobs_are_done_in_order_on_another_thread_and_few_wait() -> None:
    done: list[tuple[int, str]] = []
    gate, waiting = threading.Event(), []

    def job(number: int) -> None:
        gate.wait(5)
        done.append((number, threading.current_thread().name))

    with in_order(2) as hand_over:
        threading.Timer(0.05, gate.set).start()
        for number in range(20):
            hand_over(lambda number=number: job(number))
            waiting.append(number + 1 - len(done))
    assert [number for number, _ in done] == list(range(20))
    assert threading.current_thread().name not in {name for _, name in done}
    assert max(waiting) <= 2 + 1  # and the one that is being done


def test_nothing_is_done_after_a_job_that_failed() -> None:
    done: list[int] = []

    def job(number: int) -> None:
        if number == 3:
            raise OSError("the disk is full")
        done.append(number)

    def work(numbers: range) -> None:
        with in_order() as hand_over:
            for number in numbers:
                hand_over(lambda number=number: job(number))

    with pytest.raises(OSError, match="full"):
        work(range(20))
    assert done == [0, 1, 2]
    with pytest.raises(OSError, match="full"):
        work(range(3, 4))  # the last one


def test_jobs_handed_over_are_done_before_an_error_of_the_block_is_seen() -> None:
    done: list[int] = []

    def job() -> None:
        time.sleep(0.02)
        done.append(1)

    def work() -> None:
        with in_order() as hand_over:
            hand_over(job)
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert done == [1]


def test_a_watch_counts_what_is_asked_of_the_device() -> None:
    watch = Stopwatch(torch.device("cpu"))
    with watch.working():
        time.sleep(0.02)
    time.sleep(0.02)
    seconds, busy = watch.read()
    assert 0.02 <= busy < seconds - 0.015
    np.testing.assert_array_equal(leaving(torch.arange(3))(), [0, 1, 2])
