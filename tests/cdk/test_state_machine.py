"""The state machine says what the table of stages says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

import pytest

from cdk.functions import CALLED, JOBS, STAGE_FUNCTIONS
from cdk.lanes import WEIGHTS
from cdk.state_machine import Resources, deadline_seconds, definition, is_dispensable, waves
from pipeline.stages import BUDGET_SECONDS, STAGES, SUPPLIERS, Stage, stage

RESOURCES = Resources(
    functions={name: f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in CALLED},
    hours_table="hours",
    job_definitions={row.name: f"define-{row.name}" for row in JOBS},
    job_queues={row.name: f"queue-{row.image}" for row in JOBS},
)
MACHINE = definition(RESOURCES)


def order(machine: dict[str, Any]) -> list[str]:
    """The names of the states on the way where nothing fails."""
    names, name = [], machine["StartAt"]
    while True:
        names.append(name)
        if "Next" not in machine["States"][name]:
            return names
        name = machine["States"][name]["Next"]


def everywhere(machine: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Every state at any depth, with the machine it is in and its name."""
    for name, state in machine["States"].items():
        yield machine, name, state
        for inner in state.get("Branches", []):
            yield from everywhere(inner)


def stages_in(state: dict[str, Any]) -> set[str]:
    return {branch["StartAt"] for branch in state.get("Branches", [])}


def test_every_stage_runs_once_and_after_all_that_it_needs() -> None:
    finished: set[str] = set()
    for name in order(MACHINE):
        now = stages_in(MACHINE["States"][name])
        assert not now & finished
        for row in map(stage, now):
            assert set(row.needs) <= finished
        finished |= now
    assert finished == {row.name for row in STAGES}


def test_waves_take_no_longer_than_the_longest_chain() -> None:
    longest: dict[str, int] = {}
    for row in STAGES:
        longest[row.name] = row.timeout_seconds + max((longest[name] for name in row.needs), default=0)
    assert sum(max(row.timeout_seconds for row in wave) for wave in waves()) == max(longest.values())


def test_waves_of_a_table_that_forks_and_joins() -> None:
    def row(name: str, *needs: str) -> Stage:
        return Stage(name, "m", needs, "all", "array", 1, 512, 0, 60, 0)

    table = (row("a"), row("lone"), row("b", "a"), row("c", "b"), row("join", "c", "lone"))
    names = [[row.name for row in wave] for wave in waves(table)]
    assert names == [["a"], ["b"], ["lone", "c"], ["join"]]


@pytest.mark.parametrize("row", STAGES, ids=lambda row: row.name)
def test_the_hour_waits_for_a_stage_as_long_as_the_table_says(row: Stage) -> None:
    jobs = [state for _, name, state in everywhere(MACHINE) if name in (f"Run {row.name}", f"Run all of {row.name}")]
    assert len(jobs) == (1 if row.name in STAGE_FUNCTIONS else 2)
    for job in jobs:
        if row.name in STAGE_FUNCTIONS:
            assert job["Resource"].endswith(f":{STAGE_FUNCTIONS[row.name]}")
            assert [retry["MaxAttempts"] for retry in job["Retry"]] == [row.retries]
        else:
            assert job["Parameters"]["JobDefinition"] == f"define-{row.name}"
            assert job["Parameters"]["JobQueue"] == f"queue-{row.image}"
        assert job["TimeoutSeconds"] <= row.timeout_seconds
        assert row.name in SUPPLIERS or job["TimeoutSeconds"] == row.timeout_seconds


def test_what_the_hour_can_do_without_leaves_the_others_their_share_of_the_budget() -> None:
    assert {row.name for row in STAGES} >= SUPPLIERS
    order = waves()
    before = order[: next(n for n, wave in enumerate(order) if "publish" in {row.name for row in wave}) + 1]
    whole = sum(max(row.timeout_seconds for row in wave) for wave in before)
    for name in SUPPLIERS:
        assert deadline_seconds(stage(name)) == round(stage(name).timeout_seconds * BUDGET_SECONDS / whole)


def test_only_dispensable_stages_have_a_way_on_without_them() -> None:
    ways = {branch["StartAt"]: branch["States"] for _, _, state in everywhere(MACHINE) if "wave_" in
            str(state.get("ResultPath")) for branch in state["Branches"]}  # fmt: skip
    dispensable = {row.name for row in STAGES if is_dispensable(row)}
    assert {name for name, states in ways.items() if f"{name} degraded" in states} == dispensable
    assert dispensable == SUPPLIERS | {"export", "nests", "verify"}
    for name in {row.name for row in STAGES} - dispensable:
        assert "Catch" not in ways[name][name]


def test_a_job_is_judged_by_the_store_however_it_ended() -> None:
    for machine, name, state in everywhere(MACHINE):
        if name.startswith("Run "):
            judge = "Verify " + name.rsplit(" ", 1)[-1]
            assert state["Next"] == judge
            assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": judge}]
            assert machine["States"][judge]["Resource"] == RESOURCES.functions["verify_stage"]
            assert machine["States"][judge]["End"]


def test_shards_are_the_children_of_an_array_or_shared_by_the_nodes_of_one_job() -> None:
    shared = replace(RESOURCES, node_definitions={"forecast": "define-nodes"}, node_queue="queue-nodes")
    for machine, expected in ((MACHINE, set()), (definition(shared), {"forecast"})):
        many = {name.rsplit(" ", 1)[-1]: s["Parameters"] for _, name, s in everywhere(machine) if "Run all" in name}
        assert {name for name, job in many.items() if job["JobDefinition"] == "define-nodes"} == expected
        for name, job in many.items():
            if name in expected:
                assert job["JobQueue"] == "queue-nodes"
                assert not {"ArrayProperties", "ShareIdentifier"} & set(job), "its queue has no lanes"
            else:
                assert job["ArrayProperties"] == {"Size.$": "$.plan.shards"}


def test_what_publication_waits_for_runs_in_the_lane_that_waits_least() -> None:
    lanes = {
        name.rsplit(" ", 1)[-1]: state["Parameters"]["ShareIdentifier"]
        for _, name, state in everywhere(MACHINE)
        if "batch" in state.get("Resource", "")
    }
    weight = {stage: next(w for lane, w in WEIGHTS.items() if fnmatch(name, lane)) for stage, name in lanes.items()}
    assert set(weight) == {row.name for row in JOBS}
    before = [weight[name] for name in weight if name not in ("export", "verify")]
    assert max(before) == WEIGHTS["production"] < weight["export"] < weight["verify"]


def test_every_task_has_a_time_limit_and_every_name_leads_somewhere() -> None:
    for machine, name, state in everywhere(MACHINE):
        assert state["Type"] != "Task" or state["TimeoutSeconds"] > 0, name
        leads = [state.get("Next"), state.get("Default")]
        leads += [part["Next"] for part in (*state.get("Catch", []), *state.get("Choices", []))]
        assert set(filter(None, leads)) <= set(machine["States"]), name
        for retry in state.get("Retry", []):
            assert retry["JitterStrategy"] == "FULL"
            assert retry["BackoffRate"] > 1


def test_no_task_ends_the_hour_by_a_failure_that_may_pass() -> None:
    for _, name, state in everywhere(MACHINE):
        if state["Type"] == "Task":
            caught = ["States.ALL"] in [part["ErrorEquals"] for part in state.get("Catch", [])]
            assert caught or state["Retry"][-1]["MaxAttempts"] > 0, name
    assert MACHINE["States"]["Claim"]["Retry"][0]["MaxAttempts"] == 0, "an hour that another has is not asked for again"


def test_a_failed_wave_frees_the_hour_before_it_ends() -> None:
    for name, state in MACHINE["States"].items():
        if name.startswith("Wave"):
            assert state["Catch"][0]["Next"] == "Mark failed"
    failing = {**MACHINE, "StartAt": "Mark failed"}
    assert order(failing) == ["Mark failed", "Tell failed", "Hour failed"]


def test_it_is_generated_without_anything_heavy() -> None:
    program = "import cdk.state_machine, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"numpy", "pydantic", "xarray", "aws_cdk", "boto3"}.isdisjoint(done.stdout.split())
