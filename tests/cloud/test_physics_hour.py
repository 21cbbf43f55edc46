"""The hour waits for its physics runs: state machine, the one command, jobs on a real Slurm, and the answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from cdk.cluster.task import Place, Submitter, branch, document
from cdk.local.cloud import LocalCloud
from cdk.local.deployment import ROLE
from models.progress import Step
from pipeline import physics
from pipeline.physics.hour import Waiting, attend
from pipeline.slurm import cancel, layouts, status, submit_chain
from tests.tiny_deployment import HOUR

REGION = "us-east-1"


@dataclass(frozen=True)
class Cluster:
    """A node that may submit, in the local cloud, and the folder of its hours."""

    cloud: LocalCloud
    node: Submitter
    hours: Path

    @property
    def hour(self) -> Path:
        """The folder of this hour's runs."""
        return self.hours / str(HOUR)

    def prepare(self, name: str, description: dict[str, Any]) -> Path:
        """The folder of a run that nobody has submitted."""
        folder = self.hour / name
        folder.mkdir(parents=True)
        physics.job_of(description).write(folder)
        return folder

    def running(self, name: str, command: str) -> tuple[Path, dict[Step, int]]:
        """A run that has been submitted: its folder and jobs, of which the model's does this instead."""
        folder = self.prepare(name, {"model": "core", "run": {"hours": 120, "restart_hours": 24}})
        known = {step: layout for (model, step), layout in layouts().items() if model == "core"}
        jobs = submit_chain("core", {"run": command, "post": "true"}, folder, known)
        (folder / physics.JOBS).write_text(json.dumps(jobs))
        return folder, jobs

    def attend(self, *, seconds: float = 60) -> None:
        """What the command does on the node, here."""
        waiting = Waiting(self.sent()["token"], self.cloud.client("stepfunctions"))
        attend(self.hour, self.hours / "forecast.yaml", timedelta(seconds=seconds), waiting, poll_seconds=0.1)

    def begin(self, *, seconds: int = 60) -> str:
        """Start the branch of the hour that waits; its execution."""
        states = self.cloud.client("stepfunctions")
        definition = {**branch(self.node, seconds=seconds), "Comment": "one branch"}
        machine = states.create_state_machine(name=self.node.document, definition=json.dumps(definition), roleArn=ROLE)[
            "stateMachineArn"
        ]
        plan = json.dumps({"hour": str(HOUR)})
        started = states.start_execution(stateMachineArn=machine, name=str(uuid4()), input=plan)
        return started["executionArn"]

    def sent(self) -> dict[str, str]:
        """The parameters of the command that the node has been sent, as Systems Manager lets them pass."""
        client = self.cloud.client("ssm")
        until = time.monotonic() + 30
        while True:
            commands = [c for c in client.list_commands()["Commands"] if c["DocumentName"] == self.node.document]
            if commands:
                break
            assert time.monotonic() < until, self.cloud.said()[-2000:]
            time.sleep(0.05)
        assert len(commands[0]["InstanceIds"]) == 1, "the tags lead to one node"
        given = {name: values[0] for name, values in commands[0]["Parameters"].items()}
        declared = json.loads(client.get_document(Name=self.node.document)["Content"])["parameters"]
        assert set(given) == set(declared)
        for name, value in given.items():
            assert re.fullmatch(declared[name]["allowedPattern"], value)
        return given

    def output(self, execution: str) -> dict[str, Any]:
        """What the branch ended with."""
        until = time.monotonic() + 60
        states = self.cloud.client("stepfunctions")
        while (now := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < until
            time.sleep(0.05)
        assert now["status"] == "SUCCEEDED", now
        return json.loads(now["output"])


@pytest.fixture
def cluster(slurm: None, cloud: LocalCloud, tmp_path: Path, request: pytest.FixtureRequest) -> Cluster:
    """A node with its tags and its document, beside one that has only one of the tags."""
    name = re.sub("[^a-z]+", "-", request.node.name)
    tags = {"parallelcluster:cluster-name": name, "parallelcluster:node-type": "HeadNode"}
    for tagged in (tags, {**tags, "parallelcluster:node-type": "Compute"}):
        cloud.client("ec2").run_instances(
            ImageId="ami-12c6146b", MinCount=1, MaxCount=1,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tagged.items()]}
            ],
        )  # fmt: skip
    place = Place("root", sys.executable, str(tmp_path), f"{tmp_path}/output", f"{tmp_path}/forecast.yaml")
    (tmp_path / "forecast.yaml").write_text(f"store: file://{tmp_path}/store\nsources: {{gfs: {{}}}}\n")
    content = document(place)
    cloud.client("ssm").create_document(Name=name, Content=json.dumps(content), DocumentType="Command")
    return Cluster(cloud, Submitter(name, tags), tmp_path)


def run_command(cluster: Cluster) -> subprocess.CompletedProcess[str]:
    """What the agent of Systems Manager does on the node."""
    parameters = cluster.sent()
    (step,) = json.loads(cluster.cloud.client("ssm").get_document(Name=cluster.node.document)["Content"])["mainSteps"]
    text = "\n".join(step["inputs"]["runCommand"])
    for name, value in parameters.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    given = {"AWS_ENDPOINT_URL": cluster.cloud.address, "AWS_SSM_REGION_NAME": REGION, "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(["bash", "-e"], input=text, capture_output=True, text=True, env=os.environ | given)


def test_the_command_watches_the_runs_of_the_hour_and_their_end_lets_the_hour_go_on(cluster: Cluster) -> None:
    for name in ("coast", "hills"):
        cluster.running(name, "true")
    execution = cluster.begin()
    done = run_command(cluster)
    assert done.returncode == 0, done.stderr
    assert cluster.sent()["token"] not in done.stdout + done.stderr
    assert cluster.output(execution) == {"stage": "physics", "degraded": False}


def test_the_command_submits_what_is_prepared_and_tells_what_slurm_says_of_it(cluster: Cluster) -> None:
    run = {"start": "2026-01-31T06", "hours": 12, "centre_latitude": 45, "centre_longitude": 9}
    cluster.prepare("alps", {"model": "wrf", "run": run | {"ranks": 4, "spacing_m": 9000, "nx": 90, "ny": 90}})
    execution = cluster.begin()
    done = run_command(cluster)
    assert done.returncode == 0, done.stderr
    assert "alps: lost: sbatch: sbatch: error: invalid partition specified: hpc7a" in done.stdout, (
        "there are no such machines"
    )
    assert cluster.output(execution)["because"]["Error"] == "PhysicsMissing"


def test_a_run_that_fails_degrades_the_hour_at_once(cluster: Cluster) -> None:
    cluster.running("good", "true")
    cluster.running("bad", "exit 3")
    execution = cluster.begin()
    cluster.attend()
    output = cluster.output(execution)
    assert output["degraded"]
    assert output["because"]["Error"] == "PhysicsMissing"


def test_an_hour_without_runs_does_not_wait(cluster: Cluster) -> None:
    execution = cluster.begin()
    cluster.attend()
    assert not cluster.output(execution)["degraded"]


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "lost"])
def test_a_run_that_slurm_has_forgotten_is_not_waited_for(cluster: Cluster, stored: bool) -> None:
    folder = cluster.prepare("earlier", {"model": "core", "run": {"hours": 24, "restart_hours": 24}})
    (folder / physics.JOBS).write_text('{"run": 999998, "post": 999999}')
    if stored:
        (folder / physics.STORED).touch()
    execution = cluster.begin()
    cluster.attend()
    assert cluster.output(execution)["degraded"] is not stored


def test_a_run_goes_on_though_slurm_has_forgotten_how_it_began(cluster: Cluster) -> None:
    folder, jobs = cluster.running("long", "sleep 1")
    (folder / physics.JOBS).write_text(json.dumps({"pre": 999999} | jobs))
    execution = cluster.begin()
    cluster.attend()
    assert not cluster.output(execution)["degraded"]


def test_a_run_that_will_be_too_late_is_not_waited_for_and_goes_on(cluster: Cluster) -> None:
    step = "Timing for main: time 2025-08-04_0{}:00:00 on domain   1:  60.0 elapsed seconds"
    _, jobs = cluster.running(
        "late", f"echo '{step.format(1)}' > core.out; echo '{step.format(2)}' >> core.out; sleep 300"
    )
    execution = cluster.begin()
    cluster.attend()
    assert cluster.output(execution)["because"]["Error"] == "PhysicsMissing"
    assert status(jobs["run"]).state == "RUNNING"
    cancel(jobs["run"])


@pytest.mark.usefixtures("cloud")  # for its credentials
def test_a_heartbeat_that_is_not_heard_does_not_end_the_watching(capfd: pytest.CaptureFixture[str]) -> None:
    once = Config(retries={"total_max_attempts": 1})
    nowhere = boto3.client("stepfunctions", region_name=REGION, endpoint_url="http://127.0.0.1:9", config=once)
    assert Waiting("a token that nobody may see", nowhere).heartbeat()
    said = capfd.readouterr().err
    assert "127.0.0.1:9" in said
    assert "token" not in said


@pytest.mark.parametrize("heard", [False, True], ids=["silent", "slow"])
def test_the_hour_goes_on_at_its_deadline(cluster: Cluster, heard: bool) -> None:
    execution = cluster.begin(seconds=3)
    if heard:  # nobody waits any more: the node notices by its next heartbeat
        _, jobs = cluster.running("slow", "sleep 300")
        began = time.monotonic()
        cluster.attend()
        assert time.monotonic() - began < 30
        cancel(jobs["run"])
    output = cluster.output(execution)
    assert output["degraded"]
    assert output["because"]["Error"] in {"States.Timeout", "States.HeartbeatTimeout"}
