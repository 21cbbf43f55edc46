"""A world is built once, whole or not at all, the same every time, and says that it is synthetic."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.demo import extent_of
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles, interval_leads, leads_for
from pipeline.world import build as module
from pipeline.world.build import Progress, build
from pipeline.world.schedule import Extent, block_end, plan

from .conftest import LIVE, toy_nature

HOUR = Cycle(LIVE)
DEMO = Config.read(Path(pipeline.__file__).parent / "world" / "demo.yaml")
SMALL = Extent(days=1, lead_hours=(6,), forecast_hours=6)


def _toy(folder: Path, days: int, report: Progress) -> Iterator[int]:
    toy_nature(folder, days)
    yield from range(0, days + 1, 3)
    yield days


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The same small world, built twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_run_nature", _toy)
        roots = tuple(tmp_path_factory.mktemp(name) / "world" for name in ("first", "second"))
        for workers, root in zip((2, 1), roots, strict=True):
            build(root, hour=HOUR, workers=workers, extent=SMALL)
        yield roots[0], roots[1]


def _digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_makes_the_same_bytes_whatever_the_workers(twice: tuple[Path, Path]) -> None:
    first, second = map(_digests, twice)
    assert first == second
    assert len(first) > 300


def test_it_says_that_it_is_synthetic(twice: tuple[Path, Path]) -> None:
    root = twice[0]
    assert "SYNTHETIC" in (root / "README.txt").read_text()
    marker = json.loads((root / "SYNTHETIC").read_text())
    assert marker["messages"] > 1000
    assert not (root / "nature").exists()
    assert [path.name for path in root.parent.iterdir()] == ["world"]


def test_a_world_that_is_there_is_left_alone(twice: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_run_nature", _fails)
    before = (twice[0] / "SYNTHETIC").stat().st_mtime_ns
    build(twice[0], hour=HOUR, extent=SMALL)
    assert (twice[0] / "SYNTHETIC").stat().st_mtime_ns == before


def _fails(folder: Path, days: int, report: Progress) -> None:
    raise RuntimeError("the nature run was asked for again")


def test_another_seed_asks_for_another_world_and_a_failure_leaves_the_old_one(
    twice: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_run_nature", _fails)
    with pytest.raises(RuntimeError, match="asked for again"):
        build(twice[1], hour=HOUR, extent=SMALL, seed=1)
    assert (twice[1] / "SYNTHETIC").exists()
    assert [path.name for path in twice[1].parent.iterdir()] == ["world"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds other files and no world"):
        build(tmp_path, hour=HOUR, extent=SMALL)
    assert (tmp_path / "thesis.txt").exists()


def test_an_hour_without_enough_past_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not before 20250905T00Z; found 20250806T00Z"):
        build(tmp_path / "world", hour=Cycle.parse("2025-08-06T00"), extent=extent_of(DEMO))
    with pytest.raises(ValueError, match="must be 00 UTC"):
        build(tmp_path / "world", hour=Cycle.parse("2025-09-06T06"), extent=SMALL)


def test_the_plan_holds_what_the_live_hour_asks_for() -> None:
    written: dict[tuple[str, Cycle], set[int]] = {}
    for jobs in plan(HOUR, extent_of(DEMO)).values():
        for job in jobs:
            written.setdefault((job.source, Cycle(job.start)), set()).update((*job.leads, *job.further))
    for name, source in SOURCES.items():
        if name == "ifs_ens" or source.role == "analysis" or not source.bucket:
            continue
        cycle = due_cycles(source, HOUR)[0]
        wanted = leads_for(source, cycle, HOUR, DEMO.last_lead_hours, DEMO.sources[name].lead_step_hours)
        more = interval_leads(source, cycle, wanted) if source.role != "ensemble" else ()
        assert {*wanted, *more} <= written[name, cycle], name
    for lead in DEMO.learning.lead_hours:
        assert 0 in written["gdas", HOUR + lead]
        assert 6 in written["gdas", HOUR + lead - 6]


def test_the_plan_holds_what_the_past_month_asks_for() -> None:
    written: dict[tuple[str, Cycle], set[int]] = {}
    for jobs in plan(HOUR, extent_of(DEMO)).values():
        for job in jobs:
            written.setdefault((job.source, Cycle(job.start)), set()).update((*job.leads, *job.further))
    hour = HOUR - 264
    for name in ("gfs", "ifs", "aifs", "icon", "gdps", "gefs_mean", "gfs_wave", "ecmwf_wam"):
        cycle = due_cycles(SOURCES[name], hour)[0]
        age = int(cycle.lead_hours(hour.init_time))
        wanted = [age + lead for lead in DEMO.learning.lead_hours if age + lead in SOURCES[name].leads(cycle)]
        assert len(wanted) >= 3
        assert {*wanted, *interval_leads(SOURCES[name], cycle, wanted)} <= written[name, cycle], name


def test_blocks_end_at_six_hours() -> None:
    ends = [block_end((HOUR + hours).init_time) for hours in (0, 1, 6, 7)]
    assert ends == [(HOUR + hours).init_time for hours in (0, 6, 6, 12)]
