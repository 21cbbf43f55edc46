"""Inputs with the swells of every source under the numbers of one: a thin coat over `inputs` for what is compared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.kept import Kept
from pipeline.parameters import Parameter, parameter
from pipeline.science.wave_systems import MEMBERS, SYSTEMS, match, renumbered
from pipeline.steps import Deployment, inputs
from pipeline.steps.inputs import sources_of, truth
from pipeline.steps.runs import Contribution, holds
from pipeline.steps.served import serving

Array = NDArray[np.float32]
Read = Callable[[Parameter], Array | None]

_orders: Kept[NDArray[np.int8]] = Kept(2**26)
"""By source and hour: the nine parameters of the swells ask for the same orders, each for a month of them."""


def at_hours(
    deployment: Deployment, part: Contribution, row: Parameter, hour: Cycle, hours: Sequence[int], cells: slice
) -> Array:
    """`inputs.at_hours`; swells have the numbers that they have in the first source that knows any."""
    first = _first(deployment, row, hour) if row.name in MEMBERS else part
    if first is None or first.source == part.source:
        return inputs.at_hours(deployment, part, row, hour, hours, cells)

    def read(run: Contribution, of: Parameter) -> Array:
        return inputs.at_hours(deployment, run, of, hour, hours, cells)

    key = deployment.store, part, first, hour, tuple(hours), cells.start, cells.stop
    values = _numbered(row, partial(read, part), partial(read, first), key)
    assert values is not None  # where a source does not reach it is NaN
    return values


def verified(
    deployment: Deployment, name: str, row: Parameter, hour: Cycle, lead: int, interval: int, array: str = "forecast"
) -> Array | None:
    """`inputs.verified`; swells have the numbers that they have in the truth."""

    def read(of: Parameter) -> Array | None:
        return inputs.verified(deployment, name, of, hour, lead, interval, array)

    if row.name not in MEMBERS or array != "forecast":
        return read(row)
    return _numbered(row, read, partial(_instant, deployment, hour + lead), (deployment.store, name, hour, lead))


def as_true(deployment: Deployment, row: Parameter, valid: Cycle, read: Read) -> Array:
    """(place,) what `read` gives of a parameter at a time, a swell under the number that it has in the truth."""
    swell = row.name in MEMBERS
    values = _numbered(row, read, partial(_instant, deployment, valid), object()) if swell else read(row)
    assert values is not None
    return values


def _first(deployment: Deployment, row: Parameter, hour: Cycle) -> Contribution | None:
    """The first configured source of which a run that holds the parameter serves the hour."""
    runs = serving(deployment, hour)
    parts = (runs[name] for name in sources_of(deployment, row) if name in runs)
    return next((part for part in parts if holds(deployment, part, row)), None)


def _instant(deployment: Deployment, valid: Cycle, row: Parameter) -> Array | None:
    found = truth(deployment, row, valid)
    return None if found is None else found[0]


def _numbered(row: Parameter, own: Read, reference: Read, key: Hashable) -> Array | None:
    """What `own` says of a parameter of a swell, (..., place), under the number that the swell has in `reference`.

    As it is where one of them lacks any parameter of the swells. key: of the pair of them, under which the order is
    kept for the next parameter.
    """
    system, part = MEMBERS[row.name]
    values = [own(parameter(names[part])) for names in SYSTEMS]
    order = _order(own, reference, key)
    if order is None or any(value is None for value in values):
        return own(row)
    stack = np.stack([value for value in values if value is not None])
    return renumbered(stack.reshape(len(SYSTEMS), -1), order, system).reshape(stack.shape[1:])


def _order(own: Read, reference: Read, key: Hashable) -> NDArray[np.int8] | None:
    """(system, place) from `match`; None where one of them lacks any parameter of the swells."""
    order = _orders.get(key)
    if order is None:
        swells, others = _swells(own), _swells(reference)
        if swells is None or others is None:
            return None
        order = match(swells, others).astype(np.int8)
        _orders.put(key, order)
    return order


def _swells(read: Read) -> Array | None:
    """(system, part, place)"""
    found = [[read(parameter(name)) for name in names] for names in SYSTEMS]
    flat = [[value.ravel() for value in values if value is not None] for values in found]
    return np.array(flat, np.float32) if all(len(values) == len(SYSTEMS[0]) for values in flat) else None
