"""What is carried from hour to hour: two hours of a tiny deployment are one long derivation, and say what they are."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import xarray as xr

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.explain import explain
from pipeline.parameters import blended, parameter
from pipeline.products.shard import round_to_precision
from pipeline.science.derive.catalogue import STATES
from pipeline.science.derive.crops import summed
from pipeline.stages import STAGES
from pipeline.steps import Deployment
from pipeline.steps.forecast import blend_all, consistent, surroundings
from pipeline.steps.states import Carried, carried, newest, starts
from tests import tiny_deployment
from tests.tiny_deployment import HOUR, LAST_LEAD, NAMES, tiny

NEXT = HOUR + 1
ALOFT = ("eastward_wind_850hpa", "northward_wind_850hpa")
HELD = tuple(name for name in STATES if name != "fresh_snow_sum")  # which takes temperatures aloft


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A tiny deployment that has made two hours one after the other, with all that fire codes need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny_deployment, "NAMES", (*NAMES, "wind_speed_10m", *ALOFT))
        patch.setitem(tiny_deployment._MEAN, "temperature_2m", 281.0)  # some of it chill
        deployment = Deployment.open(Config.read(tiny(tmp_path_factory.mktemp("states"), "store")))
    for hour in (HOUR, NEXT):
        make(deployment, hour)
    return deployment


def make(deployment: Deployment, hour: Cycle) -> None:
    for stage in STAGES[:-1]:
        step = import_module(stage.module)
        for shard in step.shards(deployment, hour):
            step.run(deployment, hour, shard)


def best(deployment: Deployment, hour: Cycle) -> xr.Dataset:
    return xr.open_zarr(deployment.store.zarr(paths.forecast(hour, "best.zarr")), decode_timedelta=False)


def manifest(deployment: Deployment, hour: Cycle) -> dict:
    return json.loads(deployment.store.read(paths.forecast(hour, "manifest.json")))


def test_an_hour_starts_where_the_one_before_foresaw_it(operated: Deployment) -> None:
    first, second = best(operated, HOUR), best(operated, NEXT)
    assert set(HELD) <= set(first)
    for name in HELD:
        np.testing.assert_array_equal(second[name][0], first[name][1], err_msg=name)
        assert np.ptp(second[name].values) > 0, name


def test_two_hours_are_one_long_derivation(operated: Deployment) -> None:
    leads, weather = np.arange(LAST_LEAD + 1), {}
    for hour in (HOUR, NEXT):
        fields, _ = blend_all(operated, hour, leads, slice(0, operated.grid.shape[0]))
        weather[hour] = fields | surroundings(operated, hour, leads, slice(0, None))
    both = {
        name: np.concatenate([weather[HOUR][name][:2], values[1:]]) if values.ndim == 2 else values
        for name, values in weather[NEXT].items()
    }
    around = {name: both.pop(name) for name in list(both) if name not in blended()}
    whole, _ = consistent(both, around)
    second = best(operated, NEXT)
    for name in HELD:
        found = second[name].values.reshape(LAST_LEAD + 1, -1)
        # rounded once when handed on, once at the end; what a noon's step makes of the first is less
        np.testing.assert_allclose(found, whole[name][1:], rtol=1e-5, atol=2 * parameter(name).precision, err_msg=name)


def test_the_manifest_says_where_states_began(operated: Deployment) -> None:
    anew, on = manifest(operated, HOUR), manifest(operated, NEXT)
    begun = {"cycle": None, "age_hours": None, "carried": [], "standard_start": list(HELD)}
    assert anew["states"] == begun
    assert anew["degradations"][-1].startswith("no earlier hour carries on precipitation_since_noon, fine_fuel")
    assert on["states"] == {"cycle": str(HOUR), "age_hours": 1, "carried": list(HELD), "standard_start": []}
    assert not any("earlier hour" in note for note in on["degradations"])


def test_missed_hours_are_bridged_by_the_newest_forecast_that_reaches(operated: Deployment) -> None:
    later = NEXT + 5
    assert newest(operated, later) == Carried(str(NEXT), 5, HELD)
    rows = slice(2, 4)
    found = starts(operated, later, rows)
    for name in HELD:
        expected = best(operated, NEXT)[name].values[5, rows].ravel()
        np.testing.assert_array_equal(found[f"{name}_start"], expected, err_msg=name)


def test_beyond_every_forecast_on_another_grid_and_before_the_first_hour_states_begin_anew(
    operated: Deployment,
) -> None:
    assert newest(operated, NEXT + LAST_LEAD).age_hours == LAST_LEAD
    assert newest(operated, NEXT + LAST_LEAD + 1) == Carried(None, 0, ())
    assert newest(operated, HOUR) == Carried(None, 0, ())
    finer = replace(operated, config=operated.config.model_copy(update={"grid_resolution": 15.0}))
    assert newest(finer, NEXT + 1) == Carried(None, 0, ())
    assert starts(operated, NEXT + LAST_LEAD + 1, slice(0, 3)) == {}


def test_what_is_carried_is_decided_once(operated: Deployment) -> None:
    later = NEXT + 7
    decided = carried(operated, later)
    key = paths.forecast(later - 1, "manifest.json")
    operated.store.write(key, b"{}")
    try:
        assert carried(operated, later) == decided
    finally:
        operated.store.delete(key)


def test_states_and_what_follows_from_neighbours_can_be_explained(operated: Deployment) -> None:
    names = ("growing_degree_sum_base0", "drought_code", "relative_vorticity_850hpa", "absolute_vorticity_850hpa")
    for name in names:
        for place in ((60.0, 330.0), (90.0, 0.0)):
            found = explain(operated, NEXT, *place, name, 6)
            assert found.exact, f"{name} at {place}: {found.computed} for {found.published}"


def test_rounding_does_not_drift_over_a_season() -> None:
    rng, name = np.random.default_rng(3), "growing_degree_sum_base10"
    warm = np.maximum(rng.normal(0.1, 0.2, (180 * 24, 300)), 0).astype(np.float32)
    kept = np.zeros(300, np.float32)
    never = np.zeros((2, 300), np.float32)
    for hourly in warm:
        state = summed(np.stack([hourly, hourly]), never, kept)
        kept = round_to_precision(state[1], parameter(name).precision)
    error = kept - warm.sum(axis=0, dtype=np.float64)
    assert kept.mean() > 500
    assert np.sqrt(np.mean(error**2)) < 0.03, "K day"
