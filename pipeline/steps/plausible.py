"""Plausible: fields that no weather explains are left out of the blend, and the hour says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter
from pipeline.science.plausibility import implausible
from pipeline.science.skill import Skill, mean_square
from pipeline.steps import Deployment

Array = NDArray[np.float32]

SAMPLE = 256
"""Places of a tile that are looked at: enough to know a share of a quarter within some hundredths."""
REASON = "too far from what the sources agree on"


def note_usual_errors(deployment: Deployment, hour: Cycle, name: str, state: Skill) -> None:
    """Keep each source's root mean square error by lead bin for `believed`; null without history."""
    errors = np.sqrt(mean_square(state))
    usual = {
        source: [None if np.isnan(value) else float(value) for value in row]
        for source, row in zip(state.sources, errors, strict=True)
    }
    document = {"lead_bins": list(state.lead_bins), "error": usual}
    deployment.store.write(_usual_key(hour, name), json.dumps(document).encode())


def believed(
    deployment: Deployment, hour: Cycle, row: Parameter, sources: Sequence[str], forecasts: Array,
    leads: NDArray[np.int64], cells: slice,
) -> Array:  # fmt: skip
    """`forecasts` (source, lead, place) on some cells, NaN where a source's field there is absurd.

    What a forecast leaves out is noted for the manifest. Directions, which cannot be far off, are always believed.
    """
    if row.blend == "circular":
        return forecasts
    document = json.loads(deployment.store.read(_usual_key(hour, row.name)))
    errors = np.array([document["error"][name] for name in sources], np.float64)
    usual = np.stack([np.interp(leads, document["lead_bins"], error) for error in errors])
    absurd = implausible(_sampled(forecasts), usual)
    if not absurd.any():
        return forecasts
    if leads[-1]:  # not the background of the observations, which is no forecast
        found = {name: leads[flags].tolist() for name, flags in zip(sources, absurd, strict=True) if flags.any()}
        key = paths.work(hour, f"implausible/{row.name}/{cells.start}-{cells.stop}.json")
        deployment.store.write(key, json.dumps(found).encode())
    return np.where(absurd[..., None], np.float32(np.nan), forecasts)


def unbelieved(errors: Array, usual: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(source,) whose errors (source, place) are of fields that were not to be believed: nothing is learnt of them.

    Errors stand for the fields, which depart from each other as their errors do. usual: (source,) root mean square
    error so far, NaN without history.
    """
    return implausible(_sampled(errors[:, None]), usual[:, None])[:, 0]


def _sampled(fields: Array) -> Array:
    """(..., place) of about SAMPLE places."""
    return fields[..., :: -(-fields.shape[-1] // SAMPLE)]


def left_out(deployment: Deployment, hour: Cycle) -> dict[str, list[dict[str, Any]]]:
    """By source what was not believed: `parameter`, `leads`, `latitudes` (first and last of a band) and `reason`."""
    store, columns = deployment.store, deployment.grid.shape[1]
    found: dict[str, list[dict[str, Any]]] = {}
    for name in store.list_folders(paths.work(hour, "implausible")):
        for note in store.list(paths.work(hour, f"implausible/{name}")):
            first, stop = (int(cell) // columns for cell in note.key.rsplit("/", 1)[1].removesuffix(".json").split("-"))
            latitudes = deployment.grid.latitude[[first, stop - 1]].tolist()
            for source, leads in json.loads(store.read(note.key)).items():
                item = {"parameter": name, "leads": leads, "latitudes": latitudes, "reason": REASON}
                found.setdefault(source, []).append(item)
    return found


def _usual_key(hour: Cycle, name: str) -> str:
    return paths.work(hour, f"usual_error/{name}.json")
