"""Training: reads WeatherBench's layout, repeats and resumes exactly, and learns what can be learnt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.afno import Afno, Shape  # noqa: E402
from models.emulator import FourCastNet  # noqa: E402
from models.sun import CHANNELS  # noqa: E402
from models.training import trainer  # noqa: E402
from models.training.beginning import keep_still  # noqa: E402
from models.training.data import Reanalysis, prepare  # noqa: E402
from models.training.trainer import Plan, train  # noqa: E402
from models.training.validation import scores, spread_to_error  # noqa: E402
from tests.models.small_reanalysis import START, small_reanalysis  # noqa: E402

VARIABLES = ("t2m", "z500", "z850")
PERIOD = (START, datetime(2020, 1, 21))
PLAN = Plan(steps=12, batch=4, warm_up=2, rollout=2, rollout_share=0.5, save_every=5, patch=2, width=16, depth=1)


def _silent(step: int, loss: float) -> None:
    """Nothing is reported."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Reanalysis:
    folder = tmp_path_factory.mktemp("reanalysis")
    path = small_reanalysis(folder / "world.zarr")
    return prepare(path, VARIABLES, folder / "states.npy", period=PERIOD, step_hours=6)


def test_states_are_normalised_and_without_the_south_pole(data: Reanalysis) -> None:
    assert data.states.shape == (80, 3, 12, 24)
    np.testing.assert_allclose(data.states.mean((0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(data.states.std((0, 2, 3)), 1, atol=1e-4)
    assert data.latitude[0] == 90
    assert data.mean[1] == pytest.approx(50000, rel=1e-3)  # z500, not z850


def test_another_order_of_axes_is_the_same_reanalysis(tmp_path: Path, data: Reanalysis) -> None:
    path = small_reanalysis(tmp_path / "south.zarr", south_first=True)
    other = prepare(path, VARIABLES, tmp_path / "states.npy", period=PERIOD, step_hours=6)
    np.testing.assert_allclose(other.states, data.states, atol=1e-6)


def test_a_missing_variable_or_level_is_named(tmp_path: Path) -> None:
    path = small_reanalysis(tmp_path / "world.zarr", days=3)
    with pytest.raises(ValueError, match="no t250, z250"):
        prepare(path, ("t2m", "t250", "z250"), tmp_path / "states.npy", period=PERIOD, step_hours=6)


def test_rollouts_become_longer_towards_the_end() -> None:
    plan = Plan(steps=900, rollout=4, rollout_share=0.5)
    counts = np.bincount([trainer._ahead(plan, step) for step in range(plan.steps)])
    assert counts.tolist() == [0, 450, 150, 150, 150]
    ahead = [trainer._ahead(plan, step) for step in range(plan.steps)]
    assert ahead == sorted(ahead)


def test_it_begins_by_keeping_still(data: Reanalysis) -> None:
    network = Afno(Shape(12, 24, 3 + CHANNELS, patch=2, width=24, depth=2))
    keep_still(network, data)
    with torch.inference_mode():
        np.testing.assert_allclose(_network_step(network, data, np.arange(5)), data.states[:5], atol=1e-4)


def _network_step(network: Afno, data: Reanalysis, places: np.ndarray) -> torch.Tensor:
    """What the network makes of these states and of where the sun stands then."""
    given = torch.as_tensor(np.concatenate([data.states[places], data.sun(places, 6)], 1))
    return network(given)[:, :3]


def test_every_part_of_the_network_learns(tmp_path: Path, data: Reanalysis) -> None:
    package = train(data, replace(PLAN, learning_rate=1e-2), tmp_path, report=_silent)
    assert package is not None
    torch.manual_seed(PLAN.seed)
    begun = Afno(package.network.shape)
    keep_still(begun, data)
    before, after = begun.state_dict(), package.network.state_dict()
    assert [name for name in before if torch.equal(before[name], after[name])] == []


def test_the_same_seed_gives_the_same_weights_and_another_others(tmp_path: Path, data: Reanalysis) -> None:
    one, same, other = (
        train(data, plan, tmp_path / str(place), report=_silent)
        for place, plan in enumerate((PLAN, PLAN, Plan(**(PLAN.__dict__ | {"seed": 1}))))
    )
    assert one is not None
    assert same is not None
    assert other is not None
    first, second, third = (list(package.network.state_dict().values()) for package in (one, same, other))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, third, strict=True))


def test_the_loss_through_several_steps_is_the_mean_of_theirs(data: Reanalysis) -> None:
    plan = Plan(**(PLAN.__dict__ | {"rollout": 3, "rollout_share": 1.0, "learning_rate": 0.0}))
    network = Afno(Shape(12, 24, 3 + CHANNELS, patch=2, width=16, depth=1))
    optimizer = torch.optim.SGD(network.parameters(), 0.0)
    found = trainer._step(network, optimizer, data, plan, 7, trainer._weights(data))
    starts = np.random.default_rng([plan.seed, 7]).choice(len(data.states) - 3, plan.batch, replace=False)
    area = np.cos(np.deg2rad(data.latitude))[:, None]
    state, losses = torch.as_tensor(data.states[starts]), []
    for ahead in (1, 2, 3):
        with torch.no_grad():
            told = torch.as_tensor(data.sun(starts + ahead - 1, 6))
            state = network(torch.cat([state, told], 1))[:, :3]
        error = (state.numpy() - data.states[starts + ahead]) / data.change[:, None, None]
        losses.append((error**2 * area / area.mean()).mean())
    assert found == pytest.approx(np.mean(losses), rel=1e-5)
    gradient = network.patch_embed.proj.weight.grad
    assert gradient is not None
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0


def test_a_stopped_run_continues_as_if_it_had_not_been(tmp_path: Path, data: Reanalysis) -> None:
    whole = train(data, PLAN, tmp_path / "whole", report=_silent)
    pieces = 0
    while (package := train(data, PLAN, tmp_path / "pieces", seconds=0, report=_silent)) is None:
        pieces += 1
    assert pieces > 3
    assert whole is not None
    for name, values in whole.network.state_dict().items():
        assert torch.equal(values, package.network.state_dict()[name]), name


def test_a_run_of_another_plan_is_not_continued(tmp_path: Path, data: Reanalysis) -> None:
    train(data, PLAN, tmp_path, seconds=0, report=_silent)
    with pytest.raises(ValueError, match="learning_rate"):
        train(data, Plan(**(PLAN.__dict__ | {"learning_rate": 1.0})), tmp_path, report=_silent)


def test_what_it_learns_beats_persistence_and_climatology_on_unseen_dates(tmp_path: Path, data: Reanalysis) -> None:
    plan = Plan(steps=250, batch=8, warm_up=20, patch=2, width=32, depth=1, learning_rate=3e-3)
    package = train(data, plan, tmp_path / "run", report=_silent)
    assert package is not None
    unseen = prepare(
        small_reanalysis(tmp_path / "world.zarr"), VARIABLES, tmp_path / "states.npy",
        period=(datetime(2020, 1, 21), datetime(2020, 1, 31)), step_hours=6, like=data,
    )  # fmt: skip
    for score in scores(FourCastNet(package, torch.device("cpu")), unseen, ("z500", "t2m"), (6, 24), 24):
        assert score.model < 0.5 * min(score.persistence, score.climatology), score


def test_spread_of_a_reliable_ensemble_is_its_error() -> None:
    random = np.random.default_rng(0)
    draws = random.standard_normal((40, 11, 12, 24)).astype(np.float32)
    latitude = np.linspace(90, -90, 12, endpoint=False)
    assert spread_to_error(draws[:, 1:], draws[:, 0], latitude) == pytest.approx(1, abs=0.02)
    assert spread_to_error(0.5 * draws[:, 1:], draws[:, 0], latitude) < 0.6
