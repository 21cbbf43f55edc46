"""Initial conditions: the newest analysis as the state that the ensemble's model starts from, checked and stored.

Everything is fetched here, so that nothing on a GPU ever waits for a download. A function of a cloud could run this: it
imports no learning framework.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from models.inputs import Inputs, inputs_of
from models.perturbation import earlier_analyses
from models.variables import VARIABLES
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import Parameter, blended
from pipeline.sources import Source, source_named
from pipeline.sources.fetch import Delivery, Request
from pipeline.sources.fourcastnet import STEP_HOURS
from pipeline.sources.newest import arrival_key, due_cycles
from pipeline.steps import Deployment
from pipeline.steps.assemble import assemble
from pipeline.steps.ingest_common import bucket_of, fetched
from pipeline.steps.initial_state import EARLIER, MODEL, NEWEST, RECORD, STATE
from pipeline.steps.input_store import plain_array

Array = NDArray[np.float32]


class AnalysisError(ValueError):
    """The analysis cannot start the model; the message says what is wrong with it and what to do."""


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The model of the house that is configured, if one is."""
    return [MODEL] if deployment.config.fourcastnet else []


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Store the state at the newest analysis that has arrived by the hour, and at as many before it as the
    perturbations are made of, with what they were made of.

    AnalysisError if there is none, or if a variable is missing, not finite or out of its range; then nothing is stored.
    """
    settings = deployment.config.fourcastnet
    assert settings is not None
    inputs, source = inputs_of(settings.package), source_named(settings.analysis)
    rows = _rows(inputs, source)
    cycle = _newest(deployment, source, hour)
    states: list[Array] = []
    checksums: dict[str, str] = {}
    for number in range(earlier_analyses(settings.perturbation, settings.members) + 1):
        earlier = cycle - number * STEP_HOURS
        delivery = fetched(bucket_of(deployment, source), source, [Request(earlier, 0, tuple(rows.values()))])
        states.append(to_state(delivery, inputs, rows, f"the analysis {earlier} of {source.name}"))
        checksums |= delivery.checksums
    _write(deployment, hour, cycle, inputs, states)
    record = {
        "source": source.name,
        "init_time": cycle.init_time.isoformat(),
        "licence": source.licence,
        "attribution": source.attribution,
        "files": [{"key": key, "sha256": checksum} for key, checksum in sorted(checksums.items())],
    }
    deployment.store.write(paths.work(hour, RECORD), json.dumps(record, indent=1).encode())


def _rows(inputs: Inputs, source: Source) -> dict[str, Parameter]:
    """The catalogue's parameter of each variable; AnalysisError if the source cannot give one."""
    unknown = [name for name in inputs.variables if name not in VARIABLES]
    wanted = {name: VARIABLES[name].parameter for name in inputs.variables if name not in unknown}
    missing = [name for name, parameter in wanted.items() if parameter not in source.carries]
    if unknown or missing:
        raise AnalysisError(
            f"{source.name} has no {', '.join(unknown + missing)}, which the model starts from; choose another "
            "`analysis` or model"
        )
    return {name: blended()[parameter] for name, parameter in wanted.items()}


def _newest(deployment: Deployment, source: Source, hour: Cycle) -> Cycle:
    bucket = bucket_of(deployment, source)
    for cycle in due_cycles(source, hour):
        if bucket.exists(arrival_key(source, cycle, 0)):
            return cycle
    raise AnalysisError(
        f"no analysis of {source.name} has arrived by {hour}; wait, or choose another `analysis` in the configuration"
    )


def to_state(delivery: Delivery, inputs: Inputs, rows: dict[str, Parameter], what: str) -> Array:
    """(variable, latitude, longitude) on the model's grid from the fields of an analysis, complete and plausible."""
    by_name = {field.parameter: field for field in delivery.fields}
    missing = [name for name, row in rows.items() if row.name not in by_name]
    if missing:
        reasons = "; ".join(sorted({fault.reason for fault in delivery.faults})[:3])
        raise AnalysisError(f"{what} lacks {', '.join(missing)} ({reasons}); wait for it or choose another `analysis`")
    grid = Grid(inputs.resolution)
    state = np.empty((len(rows), inputs.rows, inputs.columns), np.float32)
    for place, (name, row) in enumerate(rows.items()):
        values = assemble(row, [by_name[row.name]], (0,), grid).values.reshape(grid.shape)
        state[place] = values[: inputs.rows] * np.float32(VARIABLES[name].factor)
    check(state, tuple(rows), what)
    return state


def check(state: Array, variables: Sequence[str], what: str) -> None:
    """AnalysisError unless all of (variable, latitude, longitude) is finite and within the catalogue's range."""
    for name, values in zip(variables, state, strict=True):
        row = blended()[VARIABLES[name].parameter]
        own = values / np.float32(VARIABLES[name].factor)
        good = (own >= row.minimum) & (own <= row.maximum)
        if not good.all():
            raise AnalysisError(
                f"{what}: {name} is expected within {row.minimum:g} and {row.maximum:g} {row.units} and is not at "
                f"{(~good).sum()} places, such as {own[~good][0]:g}; choose another `analysis`, or wait for the next"
            )


def _write(deployment: Deployment, hour: Cycle, cycle: Cycle, inputs: Inputs, states: Sequence[Array]) -> None:
    """`states`: the newest analysis first; earlier ones are an array of their own."""
    key = paths.work(hour, STATE)
    deployment.store.delete(paths.work(hour, RECORD))
    deployment.store.delete(key)
    about = {
        "Conventions": "CF-1.11",
        "init_time": cycle.init_time.isoformat(),
        "synthetic": deployment.config.synthetic,
    }
    group = zarr.create_group(deployment.store.zarr(key), attributes=about)
    plain_array(group, "latitude", inputs.latitude, ("latitude",), standard_name="latitude", units="degrees_north")
    plain_array(group, "longitude", inputs.longitude, ("longitude",), standard_name="longitude", units="degrees_east")
    dims, chunk = ("variable", "latitude", "longitude"), (1, *states[0].shape[1:])
    named: dict[str, Any] = {"long_name": "state that the model starts from", "variables": list(inputs.variables)}
    group.create_array(NEWEST, data=states[0], chunks=chunk, dimension_names=dims, attributes=named)
    if len(states) > 1:
        named |= {"long_name": f"states at the analyses before, every {STEP_HOURS} hours, newest first"}
        group.create_array(
            EARLIER,
            data=np.stack(states[1:]),
            chunks=(1, *chunk),
            dimension_names=("analysis", *dims),
            attributes=named,
        )
