"""What `hourcast train` does: a run that may be stopped, also as a job whose store keeps it, verified and written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from models import weights
from models.emulator import STEP_HOURS, FourCastNet
from models.inputs import inputs_of
from models.training.data import Reanalysis, prepare
from models.training.trainer import CHECKPOINT, SHIPPED, Plan
from models.training.trainer import train as fit
from models.training.validation import scores
from models.weights import Package
from pipeline.store import Store

_SCORED_HOURS = (24, 48, 72)
_SHIPPED_SINCE = datetime(2025, 9, 18)  # a fortnight and more after the demo's hour
_SCORED = ("z500", "msl", "t850", "t2m", "u10m")


def train(
    data: str | None, out: Path, since: datetime | None, until: datetime | None, minutes: float, steps: int | None,
    keep: str | None = None,
) -> bool:  # fmt: skip
    """Train on a reanalysis (a folder or a store's) from `since` until `until`, verify on what follows, else on what
    was before, and write the package into `out`; whether all is done.

    Without data, as the shipped model was trained, on the embedded world's nature. `keep`: the store's folder that the
    run is continued from, and kept in whenever it is saved.
    """
    torch.set_num_threads(1)  # the same sums whatever the machine's number of cores
    out.mkdir(parents=True, exist_ok=True)
    kept, checkpoint = Store.open(keep) if keep else None, out / CHECKPOINT
    if kept is not None and kept.exists(CHECKPOINT):
        checkpoint.write_bytes(kept.read(CHECKPOINT))
    plan = Plan() if data else SHIPPED
    if data is None:
        data, since = str(_world(out)), since or _SHIPPED_SINCE
    variables, period = inputs_of("shipped").variables, (since or datetime.min, until or datetime.max)
    source = Store.open(data).zarr("")
    learnt = prepare(source, variables, out / "learnt.npy", period=period, step_hours=STEP_HOURS)
    plan = replace(plan, steps=steps or plan.steps)
    package = fit(learnt, plan, out, seconds=60 * minutes, report=partial(_progress, kept, checkpoint))
    if package is None:
        print(f"stopped after {minutes:g} minutes; the same command continues")
        return False
    print(f"SHA-256 of the weights in {out / 'package'}: {weights.write(out / 'package', package)}")
    if kept is not None:
        for path in (out / "package").iterdir():
            kept.write(f"package/{path.name}", path.read_bytes())
    if since or until:
        rest = (until, datetime.max) if until else (datetime.min, period[0])
        unseen = prepare(source, variables, out / "unseen.npy", period=rest, step_hours=STEP_HOURS, like=learnt)
        _show_scores(package, unseen)
    return True


def _show_scores(package: Package, unseen: Reanalysis) -> None:
    table = Table("variable", "lead", "RMSE", "persistence", "climatology of the period")
    for score in scores(FourCastNet(package, torch.device("cpu")), unseen, _SCORED, _SCORED_HOURS, 24):
        errors = (score.model, score.persistence, score.climatology)
        table.add_row(score.variable, f"{score.lead_hours} h", *(f"{error:.4g}" for error in errors))
    Console().print(table)


def _world(out: Path) -> Path:
    """The embedded world's nature as a reanalysis, made if it is not there."""
    from pipeline.world import reanalysis

    path = out / "world.zarr"
    if not path.exists():
        print(f"running {reanalysis.DAYS} days of the embedded world", flush=True)
        reanalysis.make(path)
    return path


def _progress(kept: Store | None, checkpoint: Path, step: int, loss: float) -> None:
    """At every save."""
    print(f"step {step}: loss {loss:.4f}", flush=True)
    if kept is not None:
        kept.write(CHECKPOINT, checkpoint.read_bytes())
