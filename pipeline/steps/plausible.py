"""Plausible: fields that no weather explains, and runs that repeat the last, are left out of the blend and noted.

Once an hour and parameter, whatever the tiles: every source's newest run is judged band of latitudes by band.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.parameters import Parameter
from pipeline.science import skill as skills
from pipeline.science.plausibility import frozen, implausible
from pipeline.science.skill import Skill
from pipeline.sources import SOURCES
from pipeline.steps import Deployment
from pipeline.steps.inputs import native
from pipeline.steps.numbered import at_hours
from pipeline.steps.runs import Contribution, holds, run_before
from pipeline.steps.served import serving
from pipeline.steps.surface import within

Array = NDArray[np.float32]

BAND_DEGREES = 5.0
"""Of latitude, believed or not as one: what is absurd in a region of this height is left out there alone."""
CAP_DEGREES = 20.0
"""Of latitude beside each pole, where meridians meet, that are one band: of less, one depression is a quarter."""
SAMPLE = 100
"""Places of a band that are looked at: enough to know a share of a quarter within some hundredths."""
REASON, FROZEN = "too far from what the sources agree on", "the same as the run before"
LEADS_COMPARED = 4
"""Of a run with the one before."""


def judge(
    deployment: Deployment, hour: Cycle, row: Parameter, sources: Sequence[str], lead_bins: Sequence[float],
    usual: NDArray[np.float64],
) -> None:  # fmt: skip
    """Note where and when a source's newest field of a parameter is absurd or stale, for `leave_out` and the manifest.

    usual: (band, source, lead_bin) root mean square error as known beforehand, see `usual_errors`. Directions, which
    cannot be far off, are always believed.
    """
    leads = np.arange(deployment.config.last_lead_hours + 1)
    runs = {} if row.blend == "circular" else serving(deployment, hour)
    found = [(name, runs[name]) for name in sources if name in runs]
    parts = {name: part for name, part in found if holds(deployment, part, row)}
    notes: list[dict[str, Any]] = []
    if parts:
        chosen = usual[:, [sources.index(name) for name in parts]]
        errors = np.apply_along_axis(lambda known: np.interp(leads, lead_bins, known), -1, chosen)
        samples = [_samples(deployment, hour, row, part, leads.tolist()) for part in parts.values()]
        fields = (np.stack(band) for band in zip(*samples, strict=True))
        absurd = [implausible(*band) for band in zip(fields, errors, strict=True)]
        for index, name in enumerate(parts):
            notes += _merged(deployment.grid, name, [leads[flags[index]].tolist() for flags in absurd])
        stale = [name for name, part in parts.items() if _repeats(deployment, hour, row, part)]
        if 2 * len(stale) < len(parts):
            everywhere = [0, deployment.grid.shape[0]]
            notes += [{"source": name, "leads": leads.tolist(), "rows": everywhere, "reason": FROZEN} for name in stale]
    deployment.store.write(_key(hour, row.name), json.dumps(notes).encode())


def usual_errors(deployment: Deployment, state: Skill) -> NDArray[np.float64]:
    """(band, source, lead_bin) root mean square error in each band, or of all places where that is more.

    NaN without history. Some errors live in few regions: on ice sheets snow is metres off, elsewhere there is none.
    """
    columns = deployment.grid.shape[1]
    bands = [slice(rows.start * columns, rows.stop * columns) for rows, _ in _bands(deployment.grid)]
    everywhere = skills.mean_square(state)
    return np.sqrt(np.stack([np.fmax(skills.mean_square(state, cells), everywhere) for cells in bands]))


def _repeats(deployment: Deployment, hour: Cycle, row: Parameter, part: Contribution) -> bool:
    """Whether the source's run says on a row of middle latitudes, where weather never rests, what its last said."""
    earlier = None if SOURCES[part.source].role == "persistence" else run_before(deployment, part)
    if earlier is None:
        return False
    middle = deployment.grid.shape[0] // 4
    rows = slice(middle, middle + 1)
    newest, before = (native(deployment, part.source, run, row, hour, rows=rows) for run in (part.cycle, earlier))
    if newest is None or before is None or len(newest.valid_hours) < 2:
        return False
    starts = [run.lead_hours(hour.init_time) for run in (part.cycle, earlier)]
    leads = newest.valid_hours + starts[0], before.valid_hours + starts[1]
    _, mine, theirs = np.intersect1d(*leads, return_indices=True)
    mine, theirs = (index[:: -(-len(index) // LEADS_COMPARED) or 1] for index in (mine, theirs))
    other = np.where(mine + 1 < len(newest.values), mine + 1, mine - 1)
    return frozen(newest.values[mine], before.values[theirs], newest.values[other])


def _samples(deployment: Deployment, hour: Cycle, row: Parameter, part: Contribution, leads: list[int]) -> list[Array]:
    """(lead, place) a source at the places of each band that are looked at, of those where the parameter exists."""
    columns, exists = deployment.grid.shape[1], within(deployment, row.domain)
    looked = [slice(rows.start * columns, rows.stop * columns) for _, rows in _bands(deployment.grid)]
    if 3 * len(looked) >= deployment.grid.shape[0]:  # a coarse grid, whose chunks hold many bands: at once
        whole = at_hours(deployment, part, row, hour, leads, slice(None))
        return [_sampled(whole[:, cells][:, exists[cells]]) for cells in looked]
    return [_sampled(at_hours(deployment, part, row, hour, leads, cells)[:, exists[cells]]) for cells in looked]


def _bands(grid: Grid) -> Iterator[tuple[slice, slice]]:
    """Rows of each band, and those in its middle that hold SAMPLE places."""
    rows, columns = grid.shape
    height, cap = (max(1, round(degrees / grid.resolution)) for degrees in (BAND_DEGREES, CAP_DEGREES))
    edges = [0, *range(min(cap, rows), rows - cap - height // 2, height), max(rows - cap, min(cap, rows)), rows]
    for first, stop in pairwise(dict.fromkeys(edges)):
        looked = min(stop - first, -(-SAMPLE // columns))
        middle = (first + stop - looked) // 2
        yield slice(first, stop), slice(middle, middle + looked)


def _merged(grid: Grid, source: str, leads: Sequence[list[int]]) -> Iterator[dict[str, Any]]:
    """Notes of one source from the leads of each band; neighbours that are left out at the same leads in one."""
    for same, group in groupby(zip(leads, _bands(grid), strict=True), key=lambda item: item[0]):
        rows = [band for _, (band, _) in group]
        if same:
            yield {"source": source, "leads": same, "rows": [rows[0].start, rows[-1].stop]}


def leave_out(
    deployment: Deployment, hour: Cycle, row: Parameter, sources: Sequence[str], forecasts: Array,
    leads: NDArray[np.int64], cells: slice,
) -> None:  # fmt: skip
    """Make `forecasts` (source, lead, place) of the flattened `cells` NaN, in place, where a source is not believed."""
    columns = deployment.grid.shape[1]
    for note in json.loads(deployment.store.read(_key(hour, row.name))):
        first, stop = (min(max(edge * columns, cells.start), cells.stop) - cells.start for edge in note["rows"])
        for name, fields in zip(sources, forecasts, strict=True):
            if name == note["source"]:
                fields[np.isin(leads, note["leads"]), first:stop] = np.nan


def unbelieved(errors: Array, usual: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(source,) whose errors (source, place) are of fields that were not to be believed: nothing is learnt of them.

    Errors stand for the fields, which depart from each other as their errors do. usual: (source,) root mean square
    error so far, NaN without history.
    """
    return implausible(_sampled(errors[:, None]), usual[:, None])[:, 0]


def _sampled(fields: Array) -> Array:
    """(..., place) of about SAMPLE places."""
    return fields[..., :: -(-fields.shape[-1] // SAMPLE) or 1]


def left_out(deployment: Deployment, hour: Cycle) -> dict[str, list[dict[str, Any]]]:
    """By source what was not believed: `parameter`, `leads`, `latitudes` (first and last of a band) and `reason`."""
    store, latitude = deployment.store, deployment.grid.latitude
    found: dict[str, list[dict[str, Any]]] = {}
    for stored in store.list(paths.work(hour, "implausible")):
        name = stored.key.rsplit("/", 1)[1].removesuffix(".json")
        for note in json.loads(store.read(stored.key)):
            first, stop = note["rows"]
            latitudes = latitude[[first, stop - 1]].tolist()
            reason = note.get("reason", REASON)
            item = {"parameter": name, "leads": note["leads"], "latitudes": latitudes, "reason": reason}
            found.setdefault(note["source"], []).append(item)
    return found


def _key(hour: Cycle, name: str) -> str:
    return paths.work(hour, f"implausible/{name}.json")
