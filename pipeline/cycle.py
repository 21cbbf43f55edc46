"""Time of a forecast: init time, lead time and valid time, always UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_FORMATS = re.compile(r"^(\d{4})-?(\d{2})-?(\d{2})[T ]?(\d{2})(?::?00)?(?::00)?Z?$")


@dataclass(frozen=True, order=True)
class Cycle:
    """The full hour at which a forecast starts; `init_time` is naive UTC."""

    init_time: datetime

    def __post_init__(self) -> None:
        when = self.init_time
        if when.tzinfo is not None:
            when = when.astimezone(UTC).replace(tzinfo=None)
            object.__setattr__(self, "init_time", when)
        if when.minute or when.second or when.microsecond:
            raise ValueError(f"a cycle starts on a full hour; found {when.isoformat()}")

    @classmethod
    def parse(cls, text: str) -> Cycle:
        """Read `2026-01-31T06`, `20260131T06Z` or `2026013106`; ValueError on anything else."""
        match = _FORMATS.match(text.strip())
        try:
            if match is None:
                raise ValueError
            return cls(datetime(*(int(part) for part in match.groups())))  # type: ignore[arg-type]
        except ValueError:
            raise ValueError(f"expected a cycle such as 2026-01-31T06 (a full hour, UTC); found {text!r}") from None

    def valid_time(self, lead_hours: float) -> datetime:
        """The time `lead_hours` after the start."""
        return self.init_time + timedelta(hours=lead_hours)

    def lead_hours(self, valid_time: datetime) -> float:
        """Hours from the start to `valid_time`, negative before it."""
        return (valid_time - self.init_time).total_seconds() / 3600

    def __add__(self, hours: float) -> Cycle:
        return Cycle(self.init_time + timedelta(hours=hours))

    def __sub__(self, hours: float) -> Cycle:
        return self + -hours

    def __str__(self) -> str:
        return self.init_time.strftime("%Y%m%dT%HZ")
