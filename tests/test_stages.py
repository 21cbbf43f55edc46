"""The table of stages: light to read, complete, without circles."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from pipeline.stages import STAGES, Stage, stage


def test_reading_the_table_imports_nothing_heavy() -> None:
    program = "import pipeline.stages, pipeline.paths, pipeline.cycle, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "xarray", "zarr", "obstore", "pydantic", "typer", "rich", "eccodes"}
    assert heavy.isdisjoint(done.stdout.split())


@pytest.mark.parametrize("row", STAGES, ids=lambda row: row.name)
def test_every_stage_has_a_step_with_shards_and_run(row: Stage) -> None:
    step = importlib.import_module(row.module)
    assert callable(step.shards)
    assert callable(step.run)


def test_a_stage_needs_only_stages_above_it() -> None:
    names = [row.name for row in STAGES]
    assert len(set(names)) == len(names)
    for number, row in enumerate(STAGES):
        assert set(row.needs) <= set(names[:number])


def test_resources_are_sane() -> None:
    for row in STAGES:
        assert row.vcpus > 0
        assert row.memory_mib >= 512
        assert row.timeout_seconds <= 1500, "the whole hour has 25 minutes"
        assert row.retries >= 0


def test_an_unknown_stage_is_named_with_those_there_are() -> None:
    assert stage("publish").module == "pipeline.steps.publish"
    with pytest.raises(KeyError, match="unknown stage 'publsh'; the stages are ingest, "):
        stage("publsh")
