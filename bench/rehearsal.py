"""Past hours of a finished store forecast again, day by day, with what was known then, and with inputs as one likes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, blended
from pipeline.science import skill as skills
from pipeline.science.learn import learn
from pipeline.steps import Deployment, inputs
from pipeline.steps.hindcast import Hindcast, blend_fields
from pipeline.steps.inputs import sources_of
from pipeline.steps.learn import absorb, no_amounts, places
from pipeline.steps.verify_pairs import Pairs, pair

Array = NDArray[np.float32]
Change = Callable[[str, Cycle, Array | None], Array | None]
"""What a source (by name) says for a start instead of its field (place,), None where it says nothing."""

PROVEN = (
    "temperature_2m", "dew_point_temperature_2m", "wind_speed_10m", "eastward_wind_10m", "northward_wind_10m",
    "wind_gust", "pressure_at_sea_level", "precipitation", "total_cloud_cover", "significant_wave_height",
)  # fmt: skip
_READERS = ("pipeline.steps.learn_pairs", "pipeline.steps.verify_pairs")
_KEPT: dict[tuple[Any, ...], Any] = {}


@contextmanager
def rehearsal(change: Change | None = None) -> Iterator[None]:
    """Within it whoever verifies reads every field once from the store, and gets it as `change` makes it."""

    def truth(deployment: Deployment, row: Parameter, valid: Cycle) -> Any:
        return _once(inputs.truth, deployment, row, valid)

    def verified(deployment: Deployment, name: str, row: Parameter, start: Cycle, *rest: Any) -> Array | None:
        field: Array | None = _once(inputs.verified, deployment, name, row, start, *rest)
        return field if change is None else change(name, start, field)

    with ExitStack() as stack:
        for module in _READERS:
            stack.enter_context(patch.object(import_module(module), "truth", truth))
            stack.enter_context(patch.object(import_module(module), "verified", verified))
        yield


def _once(read: Callable[..., Any], deployment: Deployment, *rest: Any) -> Any:
    key = (read.__name__, *(part.name if isinstance(part, Parameter) else part for part in rest))
    if key not in _KEPT:
        _KEPT[key] = read(deployment, *rest)
    return _KEPT[key]


def read_truth(deployment: Deployment, row: Parameter, valid: Cycle) -> Array | None:
    """(place,) the verifying analysis, undisturbed."""
    found = _once(inputs.truth, deployment, row, valid)
    return None if found is None else found[0]


def read_verified(deployment: Deployment, name: str, row: Parameter, start: Cycle, lead: int) -> Array | None:
    """(place,) what the source really said for the time that the truth of that lead covers."""
    found = _once(inputs.truth, deployment, row, start + lead)
    field: Array | None = (
        None if found is None else _once(inputs.verified, deployment, name, row, start, lead, found[1])
    )
    return field


def forget() -> None:
    """Let go of the fields that were read."""
    _KEPT.clear()


def walk(deployment: Deployment, name: str, hours: Sequence[Cycle]) -> list[Hindcast]:
    """The blend's weights as of each of the ascending `hours`, learnt in time order, with nothing stored."""
    row, where = blended()[name], places(deployment)
    bins = tuple(float(lead) for lead in deployment.config.learning.lead_hours)
    states = [skills.zero(sources_of(deployment, row), bins, where.pools)]
    past, before, centres = no_amounts(row, states[0]), None, None
    found = []
    for hour in hours:
        known = absorb(deployment, [row], states, before, hour, past)
        states, past = known.states, known.past
        learnt = learn(row, states, where, centres, past=past)
        before, centres = hour, learnt.centres
        found.append(Hindcast(hour, learnt.weights[0], learnt.correction, skills.mean_square(states[0])))
    return found


def errors_at(deployment: Deployment, name: str, hindcast: Hindcast, position: int) -> Pairs | None:
    """Errors of every system at the lead bin in that position; None without a truth."""
    row, lead = blended()[name], deployment.config.learning.lead_hours[position]
    known = hindcast.mean_square[:, position]
    return pair(
        deployment, row, hindcast.hour, lead, known,
        lambda fields, _: blend_fields(deployment, row, hindcast, lead, fields),
    )  # fmt: skip


def finished_demo() -> Deployment:
    """The demo's deployment; leaves with a hint if it has not been made."""
    path = Path("build/demo/forecast.yaml")
    if not (path.parent / "scores.json").exists():
        sys.exit("expected a finished demo in build/demo; found none: run `make demo` first")
    return Deployment.open(path)
