"""`python -m bench.ablation [PARAMETER...]`: what each part of the blend gains, by leaving it out; build/ablation.json.

On hours of the demo's week that nothing was learnt from, each with what was known then; needs a finished `make demo`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.rehearsal import PROVEN, errors_at, finished_demo, forget, rehearsal, walk
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.demo import HOUR
from pipeline.grid import Grid
from pipeline.science.quantile_mapping import THRESHOLDS, Mapping
from pipeline.science.ramp_length import ramp_factor
from pipeline.science.ramp_structure import STRUCTURES
from pipeline.science.resampling import drawn_rmse, interval
from pipeline.science.skill import CANDIDATES
from pipeline.steps import Deployment, ramp, ramp_history
from pipeline.steps.assimilation import Background, assimilate
from pipeline.steps.observe import read_parquet
from pipeline.steps.verify_pairs import Pairs, blocks
from pipeline.steps.verify_ramp import RampRecord, compare

OUT = Path("build/ablation.json")
DAYS = 8  # hours before the live one, a day apart
WHOLE, RAMP = "whole", "ramp"
RAMP_LEADS, FOLDS = range(7), 5

_SCIENCE = "pipeline.science"
WITHOUT: dict[str, dict[str, Any]] = {
    WHOLE: {},
    "clusters": {f"{_SCIENCE}.cluster_count.choose": lambda *_, about_zero: 1},
    "bias removal": {
        f"{_SCIENCE}.weights.fit_bias": lambda skill, lead_bin, membership: np.zeros_like(skill.bias[:, lead_bin]),
        f"{_SCIENCE}.quantile_mapping.fit": lambda counts, shares: Mapping(
            counts.sources, counts.lead_bins, np.zeros((*counts.forecast.shape[:2], len(shares), len(THRESHOLDS)), "f4")
        ),
    },
    "weights": {f"{_SCIENCE}.weights.EQUAL_SHARE": 1.0, f"{_SCIENCE}.weights.AMOUNT_EQUAL_SHARE": 1.0},
    "guard": {
        f"{_SCIENCE}.guard.shares": lambda skill, lead_bin, membership: np.eye(1, CANDIDATES).repeat(len(membership), 0)
    },
    "persistence": {"pipeline.steps.inputs.BLENDED_ROLES": ("deterministic", "regional", "wave")},
    "bounds on gross errors": {f"{_SCIENCE}.skill.FEWEST_PAIRS": np.inf},
}
"""By what is left out: what stands in its place."""


@contextmanager
def without(part: str) -> Any:
    """Within it the science lacks that part."""
    with ExitStack() as stack:
        for target, stand_in in WITHOUT[part].items():
            stack.enter_context(patch(target, stand_in))
        yield


def ablate(deployment: Deployment, name: str, hours: Sequence[Cycle]) -> list[dict[str, Any]]:
    """One record a lead and part left out: how much larger the root mean square error is, with a 95 % interval."""
    found: dict[tuple[str, int], list[Pairs]] = {}
    leads = deployment.config.learning.lead_hours
    with rehearsal():
        for part in WITHOUT:
            with without(part):
                for hindcast in walk(deployment, name, hours):
                    for position, lead in enumerate(leads):
                        pairs = errors_at(deployment, name, hindcast, position)
                        if pairs is not None:
                            found.setdefault((part, lead), []).append(pairs)
    forget()
    return [
        record for lead in leads for record in _records(deployment, name, lead, [found[part, lead] for part in WITHOUT])
    ]


def _records(deployment: Deployment, name: str, lead: int, found: Sequence[Sequence[Pairs]]) -> list[dict[str, Any]]:
    whole = found[0]
    errors = np.stack([np.concatenate([pairs.errors[-1] for pairs in parts]) for parts in found])
    hour, box, weight = blocks(deployment, whole)
    drawn = drawn_rmse(errors, hour, box, weight)
    rmse = np.sqrt(errors**2 @ weight / weight.sum())
    gain, drawn_gain = rmse / rmse[0] - 1, drawn / drawn[:, :1] - 1
    records = []
    for index, part in enumerate(WITHOUT):
        low, high = interval(drawn_gain[:, index])
        records.append({
            "parameter": name, "lead_time_hours": lead, "without": part, "hours": len(whole), "n": errors.shape[1],
            "rmse": float(rmse[index]), "gain": float(gain[index]), "gain_low": low, "gain_high": high,
        })  # fmt: skip
    return records


def ramp_records(deployment: Deployment) -> list[dict[str, Any]]:
    """The same of the observation ramp, at all stations, a fifth of them left out in turn."""
    return [record for name in ramp.shards(deployment, HOUR) for record in _ramp_records(deployment, name)]


def _ramp_records(deployment: Deployment, name: str) -> list[dict[str, Any]]:
    known = ramp_history.before(deployment, name, HOUR)
    factor = ramp_factor(known.sums, STRUCTURES[name].hours, deployment.config.ramp_hours)
    blend = ramp.unramped(deployment, HOUR, name, np.array(RAMP_LEADS))
    background = ramp.background_of(deployment, HOUR, name, blend[0])
    said, records = left_out(name, _observed(deployment, name, 0), blend, background, deployment.grid, known.record), []
    for lead in RAMP_LEADS:
        pairs = _observed(deployment, name, lead).merge(said, on=["network", "station"], suffixes=("", "_then"))
        records += [_ramp_record(found) for found in compare(name, lead, pairs, float(factor[lead]))]
    return records


def _observed(deployment: Deployment, name: str, lead: int) -> pd.DataFrame:
    table = read_parquet(deployment.store, paths.observations(HOUR + lead))
    return table[table["parameter"] == name].reset_index(drop=True)


def left_out(
    name: str, table: pd.DataFrame, blend: NDArray[np.float32], background: Background, grid: Grid, record: pd.DataFrame
) -> pd.DataFrame:
    """What the unramped `blend` (lead, latitude, longitude) says at each station of `table`, and the increment there
    without that station and the others of its fold."""
    fold, said = pd.factorize(table["station"])[0] % FOLDS, []
    for number in range(FOLDS):
        result = assimilate(name, table.assign(withheld=fold == number), background, grid, record)
        there = ramp.at_stations(name, result.table, blend, background.altitude, grid, result.increment)
        said.append(there[there["withheld"]])
    return pd.concat(said)


def _ramp_record(found: RampRecord) -> dict[str, Any]:
    rmse, without = found["rmse"], found["rmse_without_ramp"]
    return {
        "parameter": found["parameter"], "lead_time_hours": found["lead_time_hours"], "without": RAMP, "hours": 1,
        "n": found["n"], "rmse": without, "gain": without / rmse - 1,
        "gain_low": -found["difference_high"] / rmse, "gain_high": -found["difference_low"] / rmse,
    }  # fmt: skip


def ramp_table(records: Sequence[dict[str, Any]]) -> Table:
    """How much worse the blend is at stations that the ramp has not seen without it, by parameter and lead."""
    title = "RMSE at stations without the ramp of the others, against with it, in %"
    result = Table("parameter", *(f"{lead} h" for lead in RAMP_LEADS), title=title)
    cells = {(record["parameter"], record["lead_time_hours"]): _cell(record) for record in records}
    for name in dict.fromkeys(name for name, _ in cells):
        result.add_row(name, *(cells.get((name, lead), "-") for lead in RAMP_LEADS))
    return result


def table(records: Sequence[dict[str, Any]]) -> Table:
    """How much worse the blend is without each part, in per cent, bold where that is sure."""
    parts = [part for part in WITHOUT if part != WHOLE]
    result = Table("parameter", "lead", "RMSE", *parts, title="RMSE without a part, against the whole blend, in %")
    rows: dict[tuple[str, float], dict[str, dict[str, Any]]] = {}
    for record in records:
        rows.setdefault((record["parameter"], record["lead_time_hours"]), {})[record["without"]] = record
    for (name, lead), found in rows.items():
        result.add_row(name, f"{lead:g} h", f"{found[WHOLE]['rmse']:.4g}", *(_cell(found[part]) for part in parts))
    means = (np.mean([100 * found[part]["gain"] for found in rows.values()]) for part in parts)
    result.add_section()
    result.add_row("mean", "", "", *(f"{mean:+.1f}" for mean in means))
    return result


def _cell(record: dict[str, Any]) -> str:
    gain, low, high = (100 * record[key] for key in ("gain", "gain_low", "gain_high"))
    text = f"{gain:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"[bold]{text}[/]" if low > 0 else f"[red]{text}[/]" if high < 0 else text


def main(names: Sequence[str]) -> int:
    """Ablate the named parameters (all of PROVEN if none), write the records and print the table."""
    deployment, records = finished_demo(), []
    hours = [HOUR - 24 * day for day in range(DAYS, -1, -1)]
    for name in names or PROVEN:
        records += ablate(deployment, name, hours)
        OUT.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    with_ramp = ramp_records(deployment)
    OUT.write_text(json.dumps([*records, *with_ramp], indent=1) + "\n", encoding="utf-8")
    deployment.store.write(paths.scores(HOUR, "ablation.json"), OUT.read_bytes())  # where `hourcast report` finds it
    console = Console()
    console = console if console.is_terminal else Console(width=140)
    console.print(table(records), ramp_table(with_ramp))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
