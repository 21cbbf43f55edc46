"""The hour's branch that waits for the cluster, and the one command, without a cloud; test_physics runs both."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from pwd import getpwnam
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk.cluster.task import Place, document, submitter
from cdk.state_machine import deadline_seconds, definition, waves
from pipeline.stages import stage
from tests.cdk.test_state_machine import MACHINE, RESOURCES

NODE = submitter("hourcast-prod", "parallelcluster")


def branches(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of the wave that ingests, by the name of the state they begin with."""
    (wave,) = (state for name, state in machine["States"].items() if name.startswith("Wave") and "ingest" in name)
    return {branch["StartAt"]: branch for branch in wave["Branches"]}


def test_an_hour_without_a_cluster_has_no_physics() -> None:
    assert "physics" not in branches(MACHINE)


def test_physics_is_waited_for_beside_the_sources_and_never_makes_the_hour_longer() -> None:
    machine = definition(replace(RESOURCES, cluster=NODE))
    wave = branches(machine)
    assert set(wave) == set(branches(MACHINE)) | {"physics"}
    task = wave["physics"]["States"]["physics"]
    (others,) = (rows for rows in waves() if stage("ingest") in rows)
    assert task["TimeoutSeconds"] == max(deadline_seconds(row) for row in others)
    assert task["Parameters"]["Parameters"]["seconds"] == [str(task["TimeoutSeconds"])]
    assert task["HeartbeatSeconds"] < task["TimeoutSeconds"]
    (caught,) = task["Catch"]
    assert caught["ErrorEquals"] == ["States.ALL"]
    assert wave["physics"]["States"][caught["Next"]]["Parameters"]["degraded"]


@pytest.mark.parametrize("back_end", ["parallelcluster", "pcs"])
def test_a_command_goes_to_the_node_that_submits_and_to_no_other(back_end: Any) -> None:
    node = submitter("hourcast-prod", back_end)
    task = branches(definition(replace(RESOURCES, cluster=node)))["physics"]["States"]["physics"]
    targets = {target["Key"]: target["Values"] for target in task["Parameters"]["Targets"]}
    assert targets == {f"tag:{key}": [value] for key, value in node.tags.items()}
    assert any("hourcast-prod" in values for values in targets.values())


def test_what_came_from_the_bucket_is_given_to_who_submits(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    for folder in ("runs/20260131T06Z/coast", "runs/20260131T07Z", "output/utility"):
        (tmp_path / folder).mkdir(parents=True)
    place = Place(user="nobody", runs=f"{tmp_path}/runs", output=f"{tmp_path}/output")
    (step,) = document(place)["mainSteps"]
    configuration = tmp_path / "runs" / "forecast.yaml"
    configuration.write_text("of the bucket")
    *before, last = (line.replace("{{ hour }}", "20260131T06Z") for line in step["inputs"]["runCommand"])
    assert last.startswith("exec ")
    subprocess.run(["bash", "-e"], input="\n".join(before), text=True, check=True)
    given = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.owner() == "nobody"}
    assert given == {"runs/20260131T06Z", "runs/20260131T06Z/coast", "output/utility"}
    nobody = getpwnam("nobody")
    as_nobody: dict[str, Any] = {
        "user": nobody.pw_uid,
        "group": nobody.pw_gid,
        "extra_groups": [],
        "cwd": tmp_path / "runs",
    }
    subprocess.run(["mkdir", "-p", "20260131T00Z/wrf"], check=True, **as_nobody)  # a run that starts before the hour
    assert subprocess.run(["rm", "-f", "forecast.yaml"], check=False, **as_nobody).returncode != 0
    assert configuration.read_text() == "of the bucket"


@given(st.text(st.sampled_from("aZ09+/=_- '\"$`;&|<>(){}\\\n!*?#~%"), min_size=1, max_size=12))
def test_no_parameter_of_the_command_lets_a_shell_act(value: str) -> None:
    for parameter in document(Place())["parameters"].values():
        pattern = parameter["allowedPattern"]
        assert pattern.startswith("^")
        assert pattern.endswith("$")
        if re.fullmatch(pattern, value):
            assert not set(value) & set(" '\"$`;&|<>(){}\\\n!*?#~%")
