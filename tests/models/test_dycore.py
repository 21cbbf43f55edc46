"""The embedded model starts from the shipped state, makes weather, and repeats itself."""

from __future__ import annotations

import io
from datetime import timedelta
from importlib.util import find_spec

import numpy as np
import pytest

if find_spec("jcm") is None:
    pytest.skip("needs jcm: pip install 'hourcast[world]'", allow_module_level=True)

from models.base import ForecastModel
from models.dycore import CHUNK_HOURS, RESTART_TIME, SIGMA, SpeedyModel, shipped_restart
from pipeline.world.nature import EVERY_HOURS, FIELDS, reduce_state


@pytest.fixture(scope="module")
def day() -> tuple[SpeedyModel, list[dict[str, np.ndarray]]]:
    """The model after one chunk, as the nature run has compiled it, and its states of six and twelve hours."""
    model = SpeedyModel(RESTART_TIME, shipped_restart())
    states = [dict(state) for _, state in model.run(RESTART_TIME, CHUNK_HOURS, every_hours=EVERY_HOURS)]
    return model, [states[hours // EVERY_HOURS - 1] for hours in (6, 12)]


def test_it_is_a_forecast_model(day: tuple[SpeedyModel, list[dict[str, np.ndarray]]]) -> None:
    model: ForecastModel = day[0]
    assert model.latitude[0] > 80
    assert model.latitude.size == 48
    assert day[0].start == RESTART_TIME + timedelta(hours=CHUNK_HOURS)
    with pytest.raises(ValueError, match="the model stands at"):
        next(model.run(RESTART_TIME, 6, every_hours=6))


def test_the_state_is_plausible_weather(day: tuple[SpeedyModel, list[dict[str, np.ndarray]]]) -> None:
    model, states = day
    assert len(shipped_restart()) < 1_000_000
    reduced = dict(zip(FIELDS, reduce_state(states[-1], model.latitude, SIGMA), strict=True))
    assert reduced["near_surface_temperature"].min() > 190
    assert reduced["near_surface_temperature"].max() < 325
    area = np.cos(np.deg2rad(model.latitude))[:, None] * np.ones((1, 96))
    assert 275 < np.average(reduced["near_surface_temperature"], weights=area) < 295
    assert 96000 < reduced["pressure_at_sea_level"].mean() < 106000
    southern_westerlies = reduced["eastward_wind_925hpa"][(model.latitude < -42) & (model.latitude > -58)].mean()
    assert southern_westerlies > 3
    rain = (reduced["convective_precipitation_rate"] + reduced["stratiform_precipitation_rate"]) * 86400
    assert 0.8 < np.average(rain, weights=area) < 6
    assert all(np.isfinite(values).all() for values in reduced.values())


def test_it_changes_with_time_and_keeps_its_air(day: tuple[SpeedyModel, list[dict[str, np.ndarray]]]) -> None:
    model, (early, late) = day
    assert np.abs(late["surface_pressure"] - early["surface_pressure"]).max() > 100
    area = np.cos(np.deg2rad(model.latitude))[:, None] * np.ones((1, 96))
    mass = [np.average(state["surface_pressure"], weights=area) for state in (early, late)]
    assert abs(mass[1] - mass[0]) < 30
    assert min(state["specific_humidity"].min() for state in (early, late)) > -1e-4


def test_its_restart_is_what_it_starts_from(day: tuple[SpeedyModel, list[dict[str, np.ndarray]]]) -> None:
    with np.load(io.BytesIO(shipped_restart())) as shipped:
        now = day[0].restart()
        assert set(now) == set(shipped.files)
        for name, values in now.items():
            assert values.shape == shipped[name].shape
            assert values.dtype == np.float32
            assert np.isfinite(values).all()
