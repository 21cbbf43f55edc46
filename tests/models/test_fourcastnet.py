"""earth2studio's own classes load our packages and perturb our states, and our loop steps as theirs does.

One file, because importing earth2studio takes longer than all the rest.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

torch = pytest.importorskip("torch")

from models import fourcastnet, weights  # noqa: E402
from models.earth2studio_imports import imported  # noqa: E402
from models.emulator import FourCastNet  # noqa: E402
from models.perturbation import earlier_analyses, size_of  # noqa: E402
from models.variables import VARIABLES as VARIABLES_OF  # noqa: E402
from pipeline import paths  # noqa: E402
from pipeline.config import Config, FourCastNetConfig  # noqa: E402
from pipeline.cycle import Cycle  # noqa: E402
from pipeline.sources import SOURCES  # noqa: E402
from pipeline.steps import Deployment, forecast, gather, integrate, learn  # noqa: E402
from pipeline.steps.ensembles import open_ensemble  # noqa: E402
from pipeline.steps.initial_state import MODEL, InitialState  # noqa: E402
from pipeline.steps.perturbed import perturbed  # noqa: E402
from tests.models.random_package import SCALE, VARIABLES, random_package, random_states  # noqa: E402
from tests.steps.small_ensemble import write_state  # noqa: E402
from tests.tiny_deployment import HOUR, write_configuration, write_inputs  # noqa: E402

CPU, START = torch.device("cpu"), datetime(2025, 9, 5)
needs_earth2studio = pytest.mark.skipif(find_spec("earth2studio") is None, reason="needs earth2studio")


@needs_earth2studio
@pytest.mark.parametrize("sun", [False, True])
def test_the_real_load_model_reads_our_package_and_steps_alike(tmp_path: Path, sun: bool) -> None:
    checksum, states = random_package(tmp_path, sun=sun), random_states(2)
    theirs = fourcastnet.load("fcn", f"file://{tmp_path}", [checksum], CPU)
    ours = FourCastNet(weights.read(tmp_path, [checksum]), CPU)
    assert theirs.variables == ours.variables == VARIABLES
    assert theirs.step_hours == ours.step_hours
    np.testing.assert_array_equal(theirs.latitude, ours.latitude)
    np.testing.assert_array_equal(theirs.longitude, ours.longitude)
    told = {"start": START, "seeds": (1, 2)}
    for step, (one, other) in enumerate(
        itertools.islice(zip(theirs.run(states, **told), ours.run(states, **told), strict=True), 3)
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3 * ours.package.scale.min(), err_msg=f"step {step}")
    from earth2studio.models.px import fcn

    wanted = {VARIABLES_OF[str(name)].parameter for name in fcn.VARIABLES}
    assert wanted <= SOURCES["gfs"].carries, "the vendor's FCN can be started from GFS"
    assert wanted <= SOURCES["gdas"].carries
    with pytest.raises(ValueError, match="not on the list"):
        fourcastnet.load("fcn", str(tmp_path), [], CPU)


@needs_earth2studio
def test_of_earth2studio_only_what_is_asked_for_is_imported() -> None:
    with imported():
        from earth2studio.models.px import Persistence, PrognosticModel
    assert isinstance(Persistence("t2m", {}), PrognosticModel)
    assert "earth2studio.models.px.pangu" not in sys.modules
    with pytest.raises(ImportError, match=r"cannot import name 'Nothing'.*; install it with"), imported():
        from earth2studio.data import Nothing  # noqa: F401


@needs_earth2studio
def test_31_members_go_60_steps_in_earth2studios_class_and_into_the_blend(tmp_path: Path) -> None:
    path = write_configuration(tmp_path, tmp_path / "store")
    settings = yaml.safe_load(path.read_text())
    package = {"package": f"file://{tmp_path / 'package'}", "weights_sha256": [random_package(tmp_path / "package")]}
    settings["sources"]["fourcastnet"] = {}
    settings["fourcastnet"] = {"model": "fcn", "members": 30, "amplitude": 0.05} | package
    deployment = Deployment.open(Config.model_validate(settings))
    write_inputs(deployment)
    write_state(deployment)
    to_the_end = replace(deployment, config=deployment.config.model_copy(update={"last_lead_hours": 354}))
    (shard,) = integrate.shards(to_the_end, HOUR)
    integrate.run(to_the_end, HOUR, shard)
    gather.run(to_the_end, HOUR, MODEL)
    members = open_ensemble(deployment, HOUR, MODEL)
    assert members["number"].values.tolist() == list(range(31))
    assert members["lead_time"].values.tolist() == list(range(0, 355, 6))
    winds = members["eastward_wind_10m"].values
    assert np.isfinite(winds).all()
    assert len({member.tobytes() for member in winds}) == 31
    for step in (learn, forecast):
        for shard in step.shards(deployment, HOUR):
            step.run(deployment, HOUR, shard)
    published = xr.open_zarr(
        deployment.store.zarr(paths.forecast(HOUR, "probability.zarr")), consolidated=False, chunks=None
    )
    quantiles = published["eastward_wind_10m_quantile"].values  # which no other ensemble brings
    assert np.isfinite(quantiles).all()
    assert (quantiles[-1] > quantiles[0]).mean() > 0.9


MEMBERS = range(11)
KINDS = ("SphericalGaussian", "CorrelatedSphericalGaussian", "BredVector", "HemisphericCentredBredVector")


def made(model: FourCastNet, kind: str, members: range) -> np.ndarray:
    """States of the members, the wind's amplitude twice that of the rest."""
    settings = FourCastNetConfig.model_validate(
        {"perturbation": kind, "amplitude": 0.05, "amplitudes": {"u10m": 0.1, "v10m": 0.1}}
    )
    analyses = random_states(1 + earlier_analyses(kind, 10))
    return perturbed(model, InitialState(Cycle.parse("2025-09-04T18"), analyses, {}), SCALE, settings, members)


@pytest.fixture
def model(tmp_path: Path) -> FourCastNet:
    return FourCastNet(weights.read(tmp_path, [random_package(tmp_path)]), CPU)


@needs_earth2studio
@pytest.mark.parametrize("kind", [*KINDS, "LaggedEnsemble"])
def test_a_perturbed_member_is_the_same_in_every_split_and_like_no_other(model: FourCastNet, kind: str) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    whole = made(model, kind, MEMBERS)
    assert torch.equal(torch.random.get_rng_state(), before), "the generator of others is left alone"
    for parts in (3, 10):
        torch.manual_seed(parts)  # what others draw does not matter
        slices = [range(part[0], part[-1] + 1) for part in np.array_split(MEMBERS, parts)]
        np.testing.assert_array_equal(np.concatenate([made(model, kind, part) for part in slices]), whole)
    assert len({state.tobytes() for state in whole}) == len(MEMBERS)
    np.testing.assert_array_equal(whole[0], random_states(1)[0])


@needs_earth2studio
@pytest.mark.parametrize("kind", KINDS)
def test_amplitudes_of_earth2studios_classes_are_root_mean_squares(model: FourCastNet, kind: str) -> None:
    differences = made(model, kind, range(1, 5)) - random_states(1)[0]
    size = SCALE * np.float32([0.1, 0.1, 0.05, 0.05, 0.05])
    if kind == "HemisphericCentredBredVector":  # each variable by its own measure, north of 30 degrees
        np.testing.assert_allclose(differences[0], -differences[1], rtol=1e-3, atol=1e-3 * size.max())
        area = np.sin(np.linspace(0, np.pi, 12))[:, None]
        found = np.sqrt((differences[:, :, :4] ** 2 * area[:4] / area.mean()).mean((2, 3)))
        np.testing.assert_allclose(found / size, 1, rtol=1e-2)
        return
    for difference in differences:
        assert size_of(difference, size, model.latitude) == pytest.approx(1, rel=1e-3)
    if kind != "BredVector":  # which shares its size among the variables as they grow
        single = [size_of(d[None], size[[k]], model.latitude) for d in differences for k, d in enumerate(d)]
        np.testing.assert_allclose(single, 1, rtol=1e-3)


@needs_earth2studio
def test_a_lagged_member_is_what_the_model_makes_of_an_earlier_analysis(model: FourCastNet) -> None:
    found = made(model, "LaggedEnsemble", range(2, 3))[0]
    earlier = random_states(11)[2]
    np.testing.assert_array_equal(
        found, next(itertools.islice(model.run(earlier[None], start=START, seeds=[0]), 2, None))[0]
    )


def test_an_amplitude_of_a_variable_that_the_model_lacks_is_named(model: FourCastNet) -> None:
    settings, initial = FourCastNetConfig(amplitudes={"t999": 0.1}), InitialState(Cycle.parse("2025090418"), SCALE, {})
    with pytest.raises(ValueError, match="names t999; the model has u10m"):
        perturbed(model, initial, SCALE, settings, [1])


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="fcn, sfno, fcn3"):
        fourcastnet.load("fcn4", "file://nowhere", [], CPU)


class _Core(torch.nn.Module):
    """Stands for what makani makes: adds the hour of the day to every value."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[datetime] = []

    def forward(self, x: torch.Tensor, time: list[datetime], normalized_data: bool) -> torch.Tensor:
        self.asked += time
        return x + time[0].hour


@needs_earth2studio
def test_earth2studios_sfno_is_told_the_time_of_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    with imported():
        from earth2studio.models.px import sfno
        from earth2studio.utils.imports import OptionalDependencyFailure
    monkeypatch.setattr(OptionalDependencyFailure, "failures", {})  # makani is on no registry
    core = _Core()
    model = fourcastnet.Earth2Studio(sfno.SFNO(core, np.array(["t2m", "msl"])), "sfno", CPU)
    assert (model.variables, model.step_hours, len(model.latitude)) == (("t2m", "msl"), 6, 721)
    states = np.zeros((1, 2, 721, 1440), np.float32)
    run = itertools.islice(model.run(states, start=START + timedelta(hours=18), seeds=[0]), 4)
    assert [(after.shape, float(after.mean())) for after in run] == [
        (states.shape, hours) for hours in (0, 18, 18, 24)
    ]  # fmt: skip
    assert [when.isoformat() for when in core.asked] == [
        "2025-09-05T18:00:00+00:00", "2025-09-06T00:00:00+00:00", "2025-09-06T06:00:00+00:00",
    ]  # fmt: skip


class _Drawing:
    """Stands for FCN3, which cannot be installed from a registry: a model with a generator of its own."""

    def __init__(self) -> None:
        self.seed = 333  # FCN3's default

    def set_rng(self, seed: int, reset: bool) -> None:
        self.seed = seed

    def input_coords(self) -> dict[str, object]:
        return {"batch": np.empty(0), "lead_time": np.array([np.timedelta64(0, "h")])}

    def create_iterator(self, start: torch.Tensor, coordinates: object) -> object:
        generator = torch.Generator().manual_seed(self.seed)
        while True:
            start = start + torch.randn(start.shape, generator=generator)
            yield start, coordinates


def test_a_model_that_draws_gets_the_members_seed_and_no_default() -> None:
    states = np.zeros((1, 2, 3, 4), np.float32)

    def first(seed: int) -> np.ndarray:
        return next(fourcastnet.Earth2Studio(_Drawing(), "fcn3", CPU).run(states, start=START, seeds=[seed]))

    np.testing.assert_array_equal(first(7), first(7))
    assert not np.array_equal(first(7), first(8))
    with pytest.raises(ValueError, match="one member a slice"):
        next(
            fourcastnet.Earth2Studio(_Drawing(), "fcn3", CPU).run(
                np.zeros((2, 2, 3, 4), np.float32), start=START, seeds=[1, 2]
            )
        )
