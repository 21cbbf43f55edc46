"""Gather: the plausible members of the ensemble that was made here become its store, as any other ensemble's.

Beside them are statistics over them. Between the model's steps of six hours members are read linearly in time, as the
members of every other ensemble are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import zarr
from numpy.typing import NDArray

from models.inputs import Inputs, inputs_of
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import blended
from pipeline.science import regrid
from pipeline.sources.fourcastnet import FOURCASTNET, PARAMETERS, STEP_HOURS
from pipeline.steps import Deployment, integrate, member_statistics
from pipeline.steps.ingest_common import Record
from pipeline.steps.ingest_members import Variance, create, write_variance
from pipeline.steps.initial_state import MODEL
from pipeline.steps.initial_state import read as read_initial
from pipeline.steps.input_store import rounded
from pipeline.steps.packing import as_packed

Array = NDArray[np.float32]


class TooFewMembersError(ValueError):
    """Too many members are implausible for an ensemble; the message says why."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The ensemble that is made here, if one is configured."""
    return [MODEL] if deployment.config.fourcastnet else []


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Write the members at the leads that bracket the hour's, and statistics over them; implausible ones are left out
    and recorded.

    TooFewMembersError if not enough are left; then nothing is written.
    """
    settings = deployment.config.fourcastnet
    assert settings is not None
    initial = read_initial(deployment, hour)
    implausible = _implausible(deployment, hour)
    members = [number for number, reasons in implausible.items() if not reasons]
    if len(members) < settings.enough_members:
        reasons = sorted({reason for found in implausible.values() for reason in found})
        raise TooFewMembersError(
            f"only {len(members)} members of {MODEL} are plausible and {settings.enough_members} are needed: "
            f"{'; '.join(reasons[:3])}; check its analysis and weights, or leave `{MODEL}` out of `sources`"
        )
    first = int(initial.cycle.lead_hours(hour.init_time)) // STEP_HOURS
    steps = range(first, integrate.steps_of(deployment, hour, initial.cycle) + 1)
    leads = [STEP_HOURS * step for step in steps]
    deployment.store.delete(paths.input_record(MODEL, hour))
    deployment.store.delete(paths.ensemble(hour, MODEL))
    group = create(deployment, FOURCASTNET, hour, initial.cycle, members, leads, PARAMETERS)
    weights = _weights(inputs_of(settings.package), deployment)
    _fill(deployment, hour, group, members, steps, weights)
    as_made = len(members) == len(implausible) and len(integrate.shards(deployment, hour)) == 1
    _fill_statistics(deployment, hour, group, None if as_made else members, steps, weights)
    missing: list[dict[str, str | int]] = [
        {"parameter": "", "lead_time": leads[0], "reason": f"member {number} left out: {'; '.join(reasons)}"}
        for number, reasons in implausible.items() if reasons
    ]  # fmt: skip
    files = initial.record["files"]
    assert isinstance(files, list)
    record = Record("partial" if missing else "complete", list(PARAMETERS), leads, missing, [], files)
    record.write(deployment.store, FOURCASTNET, paths.input_record(MODEL, hour))


def _implausible(deployment: Deployment, hour: Cycle) -> dict[int, list[str]]:
    """By member what is wrong with it; FileNotFoundError if a slice has not finished."""
    judged: dict[int, list[str]] = {}
    for shard in integrate.shards(deployment, hour):
        found = json.loads(deployment.store.read(paths.work(hour, f"{MODEL}/{shard}.json")))["implausible"]
        judged |= {int(number): reasons for number, reasons in found.items()}
    return judged


def _weights(inputs: Inputs, deployment: Deployment) -> regrid.Weights:
    """From the model's grid to the target grid."""
    latitude, longitude = (part.ravel() for part in np.meshgrid(inputs.latitude, inputs.longitude, indexing="ij"))
    return regrid.weights(latitude, longitude, (inputs.rows, inputs.columns), deployment.grid, "bilinear")


def _fill(
    deployment: Deployment,
    hour: Cycle,
    group: zarr.Group,
    members: Sequence[int],
    steps: range,
    weights: regrid.Weights,
) -> None:
    """Write each member of each parameter on the target grid, and the variance of all."""
    grid, folder = deployment.grid, deployment.store.child(paths.work(hour, MODEL))
    spreads = {name: Variance.nothing(group, deployment) for name in PARAMETERS}
    for place, number in enumerate(members):
        fields = integrate.read_member(folder, number, steps)
        for index, name in enumerate(PARAMETERS):
            row = blended()[name]
            native = fields[:, index].reshape(len(steps), -1)
            values = regrid.apply(weights, native, vector=row.kind == "vector_component")
            array = group[name]
            assert isinstance(array, zarr.Array)
            array[place] = rounded(values, row.precision).reshape(-1, *grid.shape)
            spreads[name].add(values)
    for name, spread in spreads.items():
        write_variance(group, name, spread, deployment)
        group[name].attrs["interval_hours"] = [0.0] * len(steps)


def _fill_statistics(
    deployment: Deployment, hour: Cycle, group: zarr.Group, members: Sequence[int] | None, steps: range,
    weights: regrid.Weights,
) -> None:  # fmt: skip
    """Write the statistics over `members` at each lead; None: those of the job that integrated all of them."""
    folder = deployment.store.child(paths.work(hour, MODEL))
    member_statistics.create(group, len(steps), deployment.grid.shape)

    def made(step: int) -> Array:
        if members is None:
            return integrate.read_statistics(folder, step)
        fields = np.concatenate([integrate.read_member(folder, number, [step]) for number in members])
        maps = np.stack(member_statistics.of_ordered(np.sort(fields, 0))).astype(np.float32)
        return as_packed(maps, member_statistics.PACKING)

    for block in member_statistics.blocks(steps, deployment.grid.shape):
        leads = slice(block[0] - steps[0], block[-1] + 1 - steps[0])
        member_statistics.fill(group, leads, np.stack([made(step) for step in block]), weights)
