"""What the functions are sent, validated; anything else is refused before it has an effect."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct, ValidationError, convert, field

from pipeline.cycle import Cycle
from pipeline.stages import STAGES


class Refused(ValueError):
    """The event is not as it must be; nothing has been done. Says where, and nothing of what was sent."""


Time = Annotated[datetime, Meta(tz=True)]


class _Part(Struct, frozen=True):
    """May have fields that nobody asks for."""


class _Event(Struct, frozen=True, forbid_unknown_fields=True):
    """Ours: has no other fields."""


Event = TypeVar("Event", bound=_Part | _Event)


def read(model: type[Event], event: Any) -> Event:
    """The event as a model; Refused for any other."""
    try:
        return convert(event, model)
    except ValidationError as error:
        fields = model.__struct_encode_fields__
        wrong = [name for name in fields if re.search(rf"`(\$\.)?{name}\b", str(error))]
        expected = f"expected a {model.__name__} with {', '.join(fields)}"
        raise Refused(f"{expected}; found another {', '.join(wrong) or 'set of them'}") from None


class Tick(_Event, frozen=True):
    """The scheduler's: for which time it fires, whatever the clocks say."""

    time: Time

    @property
    def hour(self) -> Cycle:
        """The hour that the time lies in."""
        return Cycle(self.time.astimezone(UTC).replace(minute=0, second=0, microsecond=0))


class _OfHour(_Event, frozen=True):
    text: Annotated[str, Meta(max_length=20)] = field(name="hour")

    def __post_init__(self) -> None:
        Cycle.parse(self.text)

    @property
    def hour(self) -> Cycle:
        """The hour that is meant."""
        return Cycle.parse(self.text)


class StageOfHour(_OfHour, frozen=True):
    """The state machine's: one stage of an hour."""

    stage: Annotated[str, Meta(pattern=rf"\A({'|'.join(row.name for row in STAGES)})\Z")]


class Outcome(_OfHour, frozen=True):
    """The state machine's: how an hour ended and when, and when it should have been published."""

    deadline: Time
    ended: Time
    outcome: Literal["published", "failed"]


class _Bucket(_Part, frozen=True):
    name: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")]


class _Object(_Part, frozen=True):
    """Of a public bucket, where no key leads elsewhere: no `..`, no scheme, nothing escaped."""

    key: Annotated[str, Meta(max_length=512, pattern=r"\A[A-Za-z0-9._=/-]+\Z")]

    def __post_init__(self) -> None:
        if any(part in ("", ".", "..") for part in self.key.split("/")):
            raise ValueError("expected a key without empty parts, `.` and `..`")


class _Stored(_Part, frozen=True):
    bucket: _Bucket
    object: _Object


class _Notification(_Part, frozen=True):
    time: datetime = field(name="eventTime")
    stored: _Stored = field(name="s3")


class Arrival(_Part, frozen=True):
    """An open-data bucket's: what was stored when."""

    records: Annotated[list[_Notification], Meta(min_length=1, max_length=10)] = field(name="Records")
