"""The house's loop: members do not depend on their neighbours, and a run continues from any state."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models import sun, weights  # noqa: E402
from models.emulator import FourCastNet  # noqa: E402
from models.inputs import SHIPPED  # noqa: E402
from models.perturbation import spherical_gaussian  # noqa: E402
from tests.models.random_package import random_package, random_states  # noqa: E402

CPU, START = torch.device("cpu"), datetime(2025, 9, 5)
DAY = START, START + timedelta(hours=12)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> weights.Package:
    folder: Path = tmp_path_factory.mktemp("package")
    return weights.read(folder, [random_package(folder)])


def _run(model: FourCastNet, states: np.ndarray, steps: int) -> np.ndarray:
    return np.stack(list(itertools.islice(model.run(states, start=START, seeds=range(len(states))), steps + 1)))


def test_first_comes_what_was_given(package: weights.Package) -> None:
    states = random_states(2)
    np.testing.assert_array_equal(_run(FourCastNet(package, CPU), states, 0)[0], states)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("jobs", [1, 2, 6])
def test_members_are_the_same_however_they_are_shared_out(package: weights.Package, batch: int, jobs: int) -> None:
    model, states = FourCastNet(package, CPU, batch=batch), random_states(6)
    whole = _run(model, states, 3)
    parts = [_run(model, part, 3) for part in np.array_split(states, jobs)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_a_run_continues_from_any_state(package: weights.Package, stop: int) -> None:
    model, states = FourCastNet(package, CPU), random_states(2)
    whole = _run(model, states, 5)
    np.testing.assert_array_equal(_run(model, whole[stop], 5 - stop), whole[stop:])


def test_a_network_is_told_of_the_sun_at_every_step(tmp_path: Path) -> None:
    package = weights.read(tmp_path, [random_package(tmp_path, sun=True)])
    model, states = FourCastNet(package, CPU, batch=2), random_states(1)
    mean, scale = package.mean[:, None, None], package.scale[:, None, None]
    wanted = torch.as_tensor((states - mean) / scale)
    for step, found in enumerate(_run(model, states, 3)):
        np.testing.assert_allclose((found - mean) / scale, wanted, atol=1e-3)
        told = sun.channels(sun.at(START, 6 * step), 6, model.latitude, model.longitude)
        with torch.inference_mode():
            wanted = package.network(torch.cat([wanted, torch.as_tensor(told)], 1))[:, :5]
    at_noon, at_night = (next(itertools.islice(model.run(states, start=when, seeds=[0]), 1, None)) for when in DAY)
    assert np.abs((at_noon - at_night) / scale).max() > 1e-3


def test_states_of_another_grid_are_refused(package: weights.Package) -> None:
    with pytest.raises(ValueError, match="expected states"):
        _run(FourCastNet(package, CPU), random_states(1, rows=14), 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("precision", "near"), [(torch.float32, 1e-3), (torch.bfloat16, 0.03)])
def test_a_gpu_steps_as_a_cpu_does_however_members_are_shared_out(
    package: weights.Package, precision: torch.dtype, near: float
) -> None:
    states, scale = random_states(5), package.scale[:, None, None]
    on_cpu = _run(FourCastNet(package, CPU), states, 2)
    model = FourCastNet(package, torch.device("cuda"), batch=2, precision=precision)
    whole = _run(model, states, 2)
    assert np.abs((whole - on_cpu) / scale).max() < near
    np.testing.assert_array_equal(_run(model, states[2:3], 2), whole[:, 2:3])


def test_in_bfloat16_a_step_is_wrong_by_far_less_than_such_a_number_is_coarse() -> None:
    package = weights.read(SHIPPED, [weights.shipped_checksum()])
    noise = spherical_gaussian(len(package.variables), FourCastNet(package, CPU).latitude, 120, seed=1)
    states = (package.mean[:, None, None] + package.scale[:, None, None] * noise)[None]
    exact, found = (
        _run(FourCastNet(package, CPU, precision=precision), states, 1)[1]
        for precision in (torch.float32, torch.bfloat16)
    )
    wrong = (found - exact) / package.scale[:, None, None]
    assert 0 < np.sqrt((wrong**2).mean()) < 2**-10, "an eighth of the last of its 8 bits"
