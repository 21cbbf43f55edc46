"""What functions are sent: what is not as it must be is refused, whatever it is."""

from __future__ import annotations

import traceback
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.events import Arrival, Event, Outcome, Refused, StageOfHour, Tick, read
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
    "a%2e%2e/b",    "file:///etc/passwd", "a" * 600, "", "${jndi:x}", "a;rm -rf", "a\n",
)  # fmt: skip


def message(bucket: str = "noaa-gfs-bdp-pds", key: str = "gfs.20260131/06/atmos/f") -> dict[str, Any]:
    stored = {"bucket": {"name": bucket}, "object": {"key": key}}
    return {"Records": [{"eventTime": "2026-01-31T10:00:00Z", "s3": stored}]}


VALID: dict[type[Event], dict[str, Any]] = {
    Tick: {"time": "2026-01-31T06:25:00Z"},
    StageOfHour: {"hour": "20260131T06Z", "stage": "ingest"},
    Outcome: {"hour": "20260131T06Z", "deadline": "2026-01-31T06:25:00Z", "ended": "2026-01-31T06:25:00.123Z",
              "outcome": "failed"},
    Arrival: message(),
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_what_is_as_it_must_be_is_understood_and_ours_has_no_other_fields(model: type[Event]) -> None:
    read(model, VALID[model])
    with nullcontext() if model is Arrival else pytest.raises(Refused):
        read(model, VALID[model] | {"other": 1})


@pytest.mark.parametrize("model", MODELS)
@given(event=JSON)
def test_anything_else_is_refused(model: type[Event], event: Any) -> None:
    with pytest.raises(Refused):
        read(model, event)


@given(hour=st.text() | JSON, stage=st.text() | JSON)
def test_a_stage_of_an_hour_has_both(hour: Any, stage: Any) -> None:
    with pytest.raises(Refused):
        read(StageOfHour, {"hour": hour, "stage": stage})


@given(
    hour=st.datetimes(datetime(1900, 1, 1)).map(
        lambda when: str(Cycle(when.replace(minute=0, second=0, microsecond=0)))
    )
)
def test_every_hour_and_stage_is_understood(hour: str) -> None:
    for row in STAGES:
        event = read(StageOfHour, {"hour": hour, "stage": row.name})
        assert (str(event.hour), event.stage) == (hour, row.name)


@pytest.mark.parametrize("minute", [0, 25, 59])
def test_a_tick_belongs_to_the_hour_it_lies_in(minute: int) -> None:
    assert str(read(Tick, {"time": f"2026-01-31T06:{minute:02}:00Z"}).hour) == "20260131T06Z"


@pytest.mark.parametrize(
    ("when", "hour"), [("06:25:00.500+00:00", "06"), ("06:25:00+05:30", "00"), ("00:00:00-01:00", "01")]
)
def test_a_tick_is_understood_with_any_offset(when: str, hour: str) -> None:
    assert str(read(Tick, {"time": f"2026-01-31T{when}"}).hour) == f"20260131T{hour}Z"


@pytest.mark.parametrize("time", ["2026-01-31T06:00:00", "2026-01-31", "06:00", 1769839200, "1769839200", None])
def test_a_time_without_offset_is_none(time: Any) -> None:
    with pytest.raises(Refused, match="expected a Tick with time; found another time"):
        read(Tick, {"time": time})


@pytest.mark.parametrize("model", MODELS)
def test_a_refusal_says_where_and_nothing_of_what_was_sent(model: type[Event]) -> None:
    secret = "canary-7d1f - at `$.canary-7d1f`"
    fields = model.__struct_encode_fields__
    for name in fields:
        with pytest.raises(Refused, match=rf"found another .*\b{name}\b") as refused:
            read(model, VALID[model] | {name: secret})
        assert "canary" not in str(refused.value)
    for event in (secret, [secret], {secret: 1}, VALID[model] | {fields[0]: [{secret: secret}], secret: secret}):
        with pytest.raises(Refused) as refused:
            read(model, event)
        assert "canary" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_keys_that_lead_elsewhere_are_refused(key: str) -> None:
    with pytest.raises(Refused):
        read(Arrival, message(key=key))


@pytest.mark.parametrize("bucket", ["..", "A", "a_b", "http://host", "a/b", "abc\n", ""])
def test_bucket_names_that_are_none_are_refused(bucket: str) -> None:
    with pytest.raises(Refused):
        read(Arrival, message(bucket=bucket))


def test_a_batch_of_a_notification_is_limited() -> None:
    read(Arrival, message())
    for records in ([], message()["Records"] * 11):
        with pytest.raises(Refused):
            read(Arrival, {"Records": records})
