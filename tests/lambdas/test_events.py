"""What functions are sent: what is not as it must be is refused, whatever it is."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lambdas.events import Arrival, Outcome, StageOfHour, Tick
from pipeline.cycle import Cycle
from pipeline.stages import STAGES

MODELS = (Tick, StageOfHour, Outcome, Arrival)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
HOSTILE_KEYS = (
    "../secret", "a/../../b", "/etc/passwd", "a//b", "a/./b", "http://169.254.169.254/latest", "a\\b", "a\nb",
    "a%2e%2e/b",    "file:///etc/passwd", "a" * 600, "", "${jndi:x}", "a;rm -rf",
)  # fmt: skip


def message(bucket: str = "noaa-gfs-bdp-pds", key: str = "gfs.20260131/06/atmos/f") -> dict[str, Any]:
    stored = {"bucket": {"name": bucket}, "object": {"key": key}}
    body = {"Records": [{"eventTime": "2026-01-31T10:00:00Z", "s3": stored}]}
    return {"messageId": "1", "body": json.dumps(body)}


@pytest.mark.parametrize("model", MODELS)
@given(event=JSON)
def test_anything_else_is_refused(model: type[BaseModel], event: Any) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(event)


@given(hour=st.text() | JSON, stage=st.text() | JSON)
def test_a_stage_of_an_hour_has_both(hour: Any, stage: Any) -> None:
    with pytest.raises(ValidationError):
        StageOfHour.model_validate({"hour": hour, "stage": stage})


@given(
    hour=st.datetimes(datetime(1900, 1, 1)).map(
        lambda when: str(Cycle(when.replace(minute=0, second=0, microsecond=0)))
    )
)
def test_every_hour_and_stage_is_understood(hour: str) -> None:
    for row in STAGES:
        event = StageOfHour.model_validate({"hour": hour, "stage": row.name})
        assert (str(event.hour), event.stage) == (hour, row.name)


@pytest.mark.parametrize("minute", [0, 25, 59])
def test_a_tick_belongs_to_the_hour_it_lies_in(minute: int) -> None:
    assert str(Tick.model_validate({"time": f"2026-01-31T06:{minute:02}:00Z"}).hour) == "20260131T06Z"


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_keys_that_lead_elsewhere_are_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        Arrival.model_validate(message(key=key))


@pytest.mark.parametrize("bucket", ["..", "A", "a_b", "http://host", "a/b", ""])
def test_bucket_names_that_are_none_are_refused(bucket: str) -> None:
    with pytest.raises(ValidationError):
        Arrival.model_validate(message(bucket=bucket))


def test_a_batch_of_a_notification_is_limited() -> None:
    whole = json.loads(message()["body"])
    Arrival.model_validate(message())
    for records in ([], whole["Records"] * 11):
        with pytest.raises(ValidationError):
            Arrival.model_validate({"messageId": "1", "body": json.dumps({"Records": records})})
