"""Where an interrupted run goes on: the restart files of the physics models, and which of them are whole.

A model steps on only after a restart file is written, so a file is whole if the log of the attempt that wrote it knows
of a later time. All others are removed before the next attempt: so none is left that an earlier attempt broke.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from models.chain import Job
from models.namelists import read
from models.progress import Model, progress

_STAMP = "%Y%m%dT%H%M%S"
_NAMES: dict[Model, tuple[str, int, str]] = {
    "wrf": ("wrfrst_d*", len("wrfrst_d01_"), "%Y-%m-%d_%H:%M:%S"),
    "mpas": ("restart.*.nc", len("restart."), "%Y-%m-%d_%H.%M.%S.nc"),
    "ww3": ("restart.*T*.ww3", len("restart."), f"{_STAMP}.ww3"),
}
"""How a model's restart files are called: pattern, where the time begins, and its form."""
_WW3_NAMELIST, _WW3_FIELDS, _WW3_RESTART = "ww3_shel.nml", "out_grd.ww3", "restart.ww3"


def go_on(job: Job, folder: Path, log: Iterable[str]) -> datetime:
    """The time of the newest whole restart file, or the start of the run; what an attempt has left is put in order.

    log: that of the last attempt, empty before the first.
    """
    if job.model == "ww3":
        settle_ww3(job, folder)
    reached = progress(job.model, log)
    known = _restart_files(job.model, folder)
    for when, paths in known.items():
        if reached is not None and when >= reached.reached:
            for path in paths:
                path.unlink()
    whole = [when for when in known if reached is None or when < reached.reached]
    since = max(whole, default=job.run.start)
    if job.model == "ww3" and whole:
        _link(folder / _WW3_RESTART, known[since][0].name)
    return since


def _restart_files(model: Model, folder: Path) -> Mapping[datetime, list[Path]]:
    """By time; of nests there is one a domain."""
    found: dict[datetime, list[Path]] = {}
    if model in _NAMES:
        pattern, start, form = _NAMES[model]
        for path in sorted(folder.glob(pattern)):
            found.setdefault(datetime.strptime(path.name[start:], form), []).append(path)
    return found


def settle_ww3(job: Job, folder: Path) -> None:
    """Name what the last attempt of WAVEWATCH III wrote by its times: it numbers restart files from 1 every time.

    It would write its fields over those of the attempt before, too.
    """
    if not (folder / _WW3_NAMELIST).exists():
        return
    began = _ww3_start(folder)
    for path in sorted(folder.glob("restart[0-9][0-9][0-9].ww3")):
        number = int(path.name[len("restart") :][:3])
        when = began + timedelta(hours=number * job.run.restart_hours)
        path.rename(folder / f"restart.{when:{_STAMP}}.ww3")
    fields = folder / _WW3_FIELDS
    if fields.exists() and not fields.is_symlink():
        fields.rename(folder / f"out_grd.{began:{_STAMP}}.ww3")


def _ww3_start(folder: Path) -> datetime:
    """When the last attempt started, as its namelist says."""
    return datetime.strptime(read(folder / _WW3_NAMELIST)["domain_nml"]["domain"]["start"], "%Y%m%d %H%M%S")


def ww3_attempts(job: Job, folder: Path) -> list[tuple[datetime, datetime, Path]]:
    """What each attempt of WAVEWATCH III has to give, in order: from when, until when, and its file of fields."""
    settle_ww3(job, folder)
    paths = sorted(folder.glob("out_grd.*T*.ww3"))
    starts = [datetime.strptime(path.name.split(".")[1], _STAMP) for path in paths]
    return list(zip(starts, [*starts[1:], job.run.end], paths, strict=True))


def show_ww3_fields(folder: Path, path: Path) -> None:
    """Put the fields of an attempt where ww3_ounf looks for them."""
    _link(folder / _WW3_FIELDS, path.name)


def _link(link: Path, target: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)
