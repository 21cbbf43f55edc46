"""The shells around learning and blending, on a tiny input store written as ingest writes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.sources import SOURCES
from pipeline.steps import Deployment, forecast, learn
from pipeline.steps.input_store import InputWriter
from pipeline.steps.inputs import contribution, sources_of, truth, truth_delay_hours, verified

HOUR = Cycle.parse("2025-09-05T00")
BIAS = {"gfs": 2.0, "ifs": -1.0}
AGE = {"gfs": 6, "ifs": 12}
NAMES = ("temperature_2m", "precipitation", "eastward_wind_10m", "northward_wind_10m")


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    settings = {
        "store": f"file://{tmp_path}/store", "grid_resolution": 30, "last_lead_hours": 24, "synthetic": True,
        "sources": {"gfs": {}, "ifs": {}, "gdas": {}}, "learning": {"days": 12, "lead_hours": [6, 24]},
    }  # fmt: skip
    return Deployment.open(Config.model_validate(settings))


def _truth(deployment: Deployment, valid: Cycle) -> np.ndarray:
    seed = int(valid.init_time.timestamp() // 3600)
    return np.random.default_rng(seed).normal(285, 5, deployment.grid.places[0].size).astype(np.float32)


def _store(deployment: Deployment, name: str, cycle: Cycle, leads: list[int], fields: dict[str, np.ndarray]) -> None:
    writer = InputWriter(
        deployment.store, paths.input_zarr(name, cycle), deployment.grid, leads, list(fields), ["forecast"]
    )
    for key, values in fields.items():
        interval = np.full(len(leads), 6.0 if parameter(key).kind == "accumulation" else 0.0)
        writer.write(parameter(key), "forecast", values, interval)
    writer.close(np.ones(values.shape[1], np.float32), {})
    deployment.store.write(paths.input_record(name, cycle), json.dumps({"leads": leads}).encode())


def _fill(deployment: Deployment) -> None:
    """Analyses, twelve days of daily starts, and the live hour; errors are the planted bias and noise."""
    generator = np.random.default_rng(0)
    for step in range(-12 * 24, 1, 6):
        valid = HOUR + step
        fields = {key: np.stack([_truth(deployment, valid)] * 2) for key in NAMES[:1] + NAMES[2:]}
        fields["precipitation"] = np.stack(
            [np.full(fields[NAMES[0]].shape[1], np.nan), np.full(fields[NAMES[0]].shape[1], 0.5)]
        )
        _store(deployment, "gdas", valid, [0, 6], {key: value.astype(np.float32) for key, value in fields.items()})
    for day in range(-12, 1):
        for name, bias in BIAS.items():
            start = HOUR + 24 * day
            leads = [AGE[name] + lead for lead in (0, 6, 24)]
            fields = {}
            for key in NAMES:
                wanted = np.stack([_truth(deployment, start + lead) for lead in (0, 6, 24)])
                noise = generator.normal(0, 1, wanted.shape)
                fields[key] = (
                    np.full_like(wanted, 1.0) if key == "precipitation" else (wanted + bias + noise).astype(np.float32)
                )
            _store(deployment, name, start - AGE[name], leads, fields)


def test_the_newest_cycle_that_had_arrived_serves_the_hour(deployment: Deployment) -> None:
    _fill(deployment)
    for name in BIAS:
        part = contribution(deployment, name, HOUR)
        assert part is not None
        assert (part.cycle, part.age_hours) == (HOUR - AGE[name], AGE[name])
        assert part.age_hours >= SOURCES[name].delay_hours
    assert contribution(deployment, "gfs", HOUR - 24 * 40) is None
    assert sources_of(deployment, parameter("temperature_2m")) == ("gfs", "ifs"), "an analysis is not blended"


def test_truth_and_forecast_meet_at_the_valid_time(deployment: Deployment) -> None:
    _fill(deployment)
    start = HOUR - 48
    found = truth(deployment, parameter("temperature_2m"), start + 24)
    said = verified(deployment, "ifs", parameter("temperature_2m"), start, 24, 0)
    assert found is not None
    assert said is not None
    assert found[1] == 0
    np.testing.assert_allclose(found[0], _truth(deployment, start + 24), atol=0.01)
    assert abs(float((said - found[0]).mean()) - BIAS["ifs"]) < 0.3
    rain = truth(deployment, parameter("precipitation"), start + 6)
    assert rain is not None
    assert rain[1] == 6, "rain is known for the six hours of the analysis's own short forecast"
    assert verified(deployment, "gfs", parameter("precipitation"), start, 6, 6) is not None
    assert truth(deployment, parameter("temperature_2m"), HOUR + 24) is None, "the future is not known"


def test_learning_recovers_the_planted_bias_and_goes_on_from_the_hour_before(deployment: Deployment) -> None:
    _fill(deployment)
    learn.run(deployment, HOUR, "temperature_2m")
    weights = learn.read_weights(deployment, HOUR, "temperature_2m")
    for name, bias in BIAS.items():
        assert abs(float(weights.bias[weights.sources.index(name)].mean()) - bias) < 0.15
    whole = learn._open(deployment, paths.skill("temperature_2m", HOUR)).load()
    for step in (-30, -24, -18, 0):  # the same knowledge in several sittings
        learn.run(deployment, HOUR + step, "temperature_2m")
    again = learn._open(deployment, paths.skill("temperature_2m", HOUR))
    np.testing.assert_allclose(again["weight"], whole["weight"], rtol=1e-4)


def test_learning_knows_nothing_before_its_truth_has_arrived(deployment: Deployment) -> None:
    _fill(deployment)
    row, sources = parameter("temperature_2m"), ("gfs", "ifs")
    delay = truth_delay_hours(deployment)
    states = []
    for hour in (HOUR - 24 + delay, HOUR - 24 + delay + 1):
        start = learn._start(deployment, None, row, sources)
        states.append(learn.absorb(deployment, row, start, None, hour).presence.sum(axis=(0, 2)))
    assert (states[1] > states[0]).any(), "the analysis of that midnight counts from the hour after it came"


def test_the_blend_removes_the_bias_and_dry_cells_stay_dry(deployment: Deployment) -> None:
    _fill(deployment)
    for name in ("temperature_2m", "precipitation", "eastward_wind_10m"):
        learn.run(deployment, HOUR, name)
    everywhere = slice(0, deployment.grid.places[0].size)
    leads = np.arange(25)
    blended = forecast.blend_parameter(deployment, HOUR, parameter("temperature_2m"), leads, everywhere)
    assert abs(float((blended[6] - _truth(deployment, HOUR + 6)).mean())) < 0.3
    rain = forecast.blend_parameter(deployment, HOUR, parameter("precipitation"), leads, everywhere)
    np.testing.assert_allclose(rain[6], 0.5, atol=0.03)
    np.testing.assert_allclose(
        blended[:, :12], forecast.blend_parameter(deployment, HOUR, parameter("temperature_2m"), leads, slice(0, 12))
    )


def test_a_cell_without_any_source_is_an_error() -> None:
    values = np.full((4, 3), np.nan, np.float32)
    values[1:3, :2] = 5
    with pytest.raises(ValueError, match="no source has a value at any lead in 1 cells"):
        forecast._bridge(parameter("temperature_2m"), values)
    filled = forecast._bridge(parameter("temperature_2m"), values[:, :2])
    assert (filled == 5).all()
