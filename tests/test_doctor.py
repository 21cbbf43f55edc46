"""Each check of `hourcast doctor`: what is right passes, what is wrong is found, and nothing is left behind."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import doctor
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.doctor import cloud as doctor_cloud
from pipeline.operate import doctor as operate_doctor
from pipeline.sources import SOURCES
from pipeline.sources.newest import arrival_key, due_cycles, leads_for
from pipeline.steps import Deployment
from pipeline.store import Store

HOUR = Cycle.parse("2026-01-31T06")
ROOT = Path(__file__).resolve().parents[1]


def deployed(store: str = "memory://", **more: Any) -> Deployment:
    return Deployment.open(Config.model_validate({"store": store, "sources": {"gfs": {}}} | more))


def test_a_store_passes_and_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    for store in ("memory://", f"file://{tmp_path}"):
        assert [finding.verdict for finding in doctor.check_store(deployed(store))] == ["ok", "ok"]
    assert [path.name for path in tmp_path.rglob("*")] == ["kept"]


def test_a_store_that_cannot_be_written_fails_in_one_line() -> None:
    (finding,) = doctor.check_store(deployed("file:///proc/hourcast"))
    assert finding.verdict == "failed"
    assert "cannot write file:///proc/hourcast" in str(finding)
    assert "\n" not in str(finding)


def test_a_store_that_writes_over_what_is_there_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconditional(store: Store, key: str, data: bytes) -> bool:
        store.write(key, data)
        return True

    monkeypatch.setattr(Store, "write_new", unconditional)
    deployment = deployed()
    (finding,) = doctor.check_store(deployment)
    assert (finding.verdict, finding.found) == ("failed", "a store that writes over what is there")
    assert not deployment.store.list("")


def test_a_store_whose_updates_are_lost_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconditional(store: Store, key: str, change: Callable[[bytes | None], bytes]) -> None:
        store.write(key, change(store.read(key)))

    monkeypatch.setattr(Store, "update", unconditional)
    (finding,) = doctor.check_store(deployed())
    assert finding.verdict == "failed"


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0, "ok"), (-29, "ok"), (31, "warning"), (-600, "warning"), (901, "failed")]
)
def test_a_clock_is_judged_by_how_far_it_is_off(seconds: float, verdict: str) -> None:
    assert doctor.check_clock(timedelta(seconds=seconds)).verdict == verdict


def test_a_source_is_judged_by_its_newest_key(tmp_path: Path) -> None:
    gfs = SOURCES["gfs"]
    deployment = deployed(sources={"gfs": {"endpoint": f"file://{tmp_path}"}})
    newest, older = due_cycles(gfs, HOUR)[:2]
    keys = [arrival_key(gfs, cycle, leads_for(gfs, cycle, HOUR, 360)[-1]) for cycle in (newest, older)]
    assert doctor.check_source(deployment, gfs, HOUR).verdict == "failed"
    for key, verdict in ((keys[1], "warning"), (keys[0], "ok")):
        path = tmp_path / gfs.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        finding = doctor.check_source(deployment, gfs, HOUR)
        assert finding.verdict == verdict
        assert keys[0] in str(finding)


def test_an_analysis_is_looked_for_at_its_own_time(tmp_path: Path) -> None:
    finding = doctor.check_source(deployed(sources={"gdas": {"endpoint": f"file://{tmp_path}"}}), SOURCES["gdas"], HOUR)
    assert finding.expected.endswith("pgrb2.0p25.f000.idx")


def test_eccodes_is_the_one_of_the_project() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    least, below = (".".join(map(str, part)) for part in doctor.ECCODES)
    assert f"eccodes>={least},<{below}" in wanted
    verdicts = {version: doctor.check_eccodes(version).verdict for version in ("2.37.1", "2.38.0", "2.42.9", "2.43.0")}
    assert list(verdicts.values()) == ["failed", "ok", "ok", "failed"]


def test_memory_is_measured_against_the_largest_shard() -> None:
    whole = deployed(workers=4)
    assert doctor.check_memory(whole, 32 * 2**30).verdict == "ok"
    finding = doctor.check_memory(whole, 20 * 2**30)
    assert (finding.verdict, finding.advice) == ("warning", "set `workers: 2`")
    assert doctor.check_memory(whole, 7 * 2**30).verdict == "failed"
    assert doctor.check_memory(deployed(workers=4, grid_resolution=1), 3 * 2**30).verdict == "ok"


def test_room_is_needed_for_an_hour(tmp_path: Path) -> None:
    below = tmp_path / "not" / "there" / "yet"
    assert doctor._room("disk", below, 1).verdict == "ok"
    finding = doctor._room("disk", below, 1e18)
    assert finding.verdict == "failed"
    assert "expected 1000000000.0 GB for one hour" in str(finding)
    assert len(doctor.check_disks(deployed(f"file://{tmp_path}"))) == 2
    assert len(doctor.check_disks(deployed())) == 1


def test_a_model_needs_its_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_extras(deployed()) == []
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    (own,), (theirs,) = (doctor.check_extras(deployed(fourcastnet={"model": model})) for model in ("afno", "fcn"))
    assert own.found == "no torch"
    assert theirs.advice.endswith("'hourcast[ai,earth2studio]'")


def test_slurm_must_have_the_partitions_of_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.check_slurm().found.startswith("none here")
    for answer, verdict in (("exit 1", "warning"), ("echo debug", "warning"), ("echo debug; echo hpc7a", "ok")):
        program = tmp_path / "sinfo"
        program.write_text(f"#!/bin/sh\n{answer}\n")
        program.chmod(0o755)
        assert doctor.check_slurm().verdict == verdict, answer


def test_quotas_follow_from_the_table_of_stages() -> None:
    deployment = deployed(tile_rows=4, fourcastnet={"members": 30, "members_per_job": 8})
    needed = [doctor_cloud.wanted(deployment, name) for name in doctor_cloud.QUOTAS]
    assert needed == [362, 362, 16, 16], "2 vCPUs of 181 bands, 4 of 4 jobs of members"
    assert doctor_cloud.wanted(deployed(), "G vCPUs on Spot") == 0
    verdicts = [doctor_cloud.check_quota(deployment, "G vCPUs on Spot", value).verdict for value in (16, 4, 0)]
    assert verdicts == ["ok", "warning", "failed"]
    assert doctor_cloud.examine(deployment) == []


def test_a_configuration_that_cannot_be_used_is_the_only_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f.yaml").write_text("stoer: x\n")
    assert not operate_doctor.show_findings(tmp_path / "f.yaml", str(HOUR))
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 1
    assert out[0].startswith("failed  configuration: expected")
    assert "did you mean `store`?" in out[0]


def test_a_deployment_is_told_of_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    feeds = f"file://{tmp_path}/feeds"
    (tmp_path / "f.yaml").write_text(
        f"store: file://{tmp_path}/store\nsources: {{gfs: {{endpoint: '{feeds}'}}, persistence: }}\n"
        "grid_resolution: 10\nlast_lead_hours: 24\n"
    )
    assert not operate_doctor.show_findings(tmp_path / "f.yaml", str(HOUR)), "no feed has arrived"
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("failed")] == [line for line in lines if "source gfs" in line]
    assert {line.split()[0] for line in lines} <= {"ok", "warning", "failed"}
    assert not [name for _, _, names in os.walk(tmp_path / "store") for name in names]
