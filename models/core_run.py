"""The description of a run of the embedded model."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import model_validator

from models.namelists_domain import Run

RESTART_TIME = datetime(2025, 8, 4)
"""Of the state that ships with the project."""
_CHUNK_HOURS = 48


class CoreRun(Run):
    """A run from the shipped state: states every `history_minutes`, a restart file every `restart_hours`."""

    start: datetime = RESTART_TIME
    ranks: Literal[1] = 1
    truncation: Literal[31, 42] = 31

    @model_validator(mode="after")
    def _is_legal(self) -> CoreRun:
        if self.start != RESTART_TIME:
            raise ValueError(f"expected a run from {RESTART_TIME}, the time of the shipped state; found {self.start}")
        if self.hours % self.restart_hours or self.restart_hours * 60 % self.history_minutes:
            raise ValueError(
                "expected hours in whole multiples of restart_hours, and these of history_minutes; found "
                f"{self.hours}, {self.restart_hours} and {self.history_minutes}"
            )
        if self.history_minutes % 60 or _CHUNK_HOURS % self.every_hours:
            raise ValueError(f"expected history_minutes of whole hours that divide {_CHUNK_HOURS}")
        return self

    @property
    def every_hours(self) -> int:
        """Hours between states."""
        return self.history_minutes // 60
