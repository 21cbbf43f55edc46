"""What the functions are sent, validated; anything else is refused before it has an effect."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Json

from pipeline.cycle import Cycle
from pipeline.stages import STAGES


def _hour(value: object) -> Cycle:
    if not isinstance(value, str) or len(value) > 20:
        raise ValueError("expected a cycle such as 20260131T06Z")
    return Cycle.parse(value)


def _known_stage(value: object) -> object:
    if value not in [row.name for row in STAGES]:
        raise ValueError(f"expected one of the stages {', '.join(row.name for row in STAGES)}")
    return value


def _plain_key(value: str) -> str:
    """A key of a public bucket, where none leads elsewhere: no `..`, no scheme, nothing escaped."""
    if any(part in ("", ".", "..") for part in value.split("/")):
        raise ValueError("expected a key without empty parts, `.` and `..`")
    return value


Hour = Annotated[Cycle, BeforeValidator(_hour)]
Key = Annotated[str, Field(max_length=512, pattern=r"^[A-Za-z0-9._=/-]+$"), BeforeValidator(_plain_key)]


class _Part(BaseModel):
    """Errors do not repeat what was sent: they are logged. What a function is not sent is not built."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True, defer_build=True)


class _Event(_Part):
    model_config = ConfigDict(extra="forbid")


class Tick(_Event):
    """The scheduler's: for which time it fires, whatever the clocks say."""

    time: AwareDatetime

    @property
    def hour(self) -> Cycle:
        """The hour that the time lies in."""
        return Cycle(self.time.replace(minute=0, second=0, microsecond=0))


class StageOfHour(_Event):
    """The state machine's: one stage of an hour."""

    hour: Hour
    stage: Annotated[str, BeforeValidator(_known_stage)]


class Outcome(_Event):
    """The state machine's: how an hour ended and when, and when it should have been published."""

    hour: Hour
    deadline: AwareDatetime
    ended: AwareDatetime
    outcome: Literal["published", "failed"]


class _Bucket(_Part):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]


class _Object(_Part):
    key: Key


class _Stored(_Part):
    bucket: _Bucket
    object: _Object


class _Notification(_Part):
    event_time: Annotated[datetime, Field(alias="eventTime")]
    stored: Annotated[_Stored, Field(alias="s3")]


class _Notifications(_Part):
    records: Annotated[list[_Notification], Field(alias="Records", min_length=1, max_length=10)]


class Arrival(_Part):
    """A message of the queue that an open-data bucket's notifications end in (raw delivery): what was stored when."""

    messageId: str
    body: Json[_Notifications]
