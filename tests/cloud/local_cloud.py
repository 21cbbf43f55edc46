"""A cloud on this machine: the server, what a deployment consists of, and a tiny world in open-data buckets."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from cdk.jobs import job_definition
from cdk.state_machine import Resources, definition
from pipeline import paths
from pipeline.config import Config
from pipeline.sources import SOURCES
from pipeline.stages import STAGES
from pipeline.steps import Deployment
from pipeline.store import Store
from tests.cloud.faults import FAULTS
from tests.tiny_deployment import HOUR, NAMES, write_configuration

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/local"
FUNCTIONS = ("hourly_trigger", "plan_shards", "verify_stage", "notify", "watchdog", "source_arrived")
QUEUE, HOURS, ONCE = "jobs", "hours", "once"
OPEN_DATA = (SOURCES["gfs"].folder, SOURCES["ifs"].folder, "observations")
WAIT_SECONDS = 300
PARSER = Path(sys.prefix) / "local-cloud"
"""antlr4 as moto's state machines need it, apart from the older one that the embedded world's omegaconf needs."""


@dataclass(frozen=True)
class LocalCloud:
    """The address of a running server, and where it writes what functions and jobs say."""

    address: str
    logs: Path

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        return boto3.client(service, endpoint_url=self.address, region_name="us-east-1")

    def let_fail(self, *, slow_down: float = 0, kill: int = 0) -> None:
        """From now on S3 answers this share of object requests with SlowDown; so many of the next jobs are killed."""
        body = json.dumps({"slow_down": slow_down, "kill": kill}).encode()
        urllib.request.urlopen(urllib.request.Request(self.address + FAULTS, data=body))

    def said(self) -> str:
        """Everything that functions and jobs have logged."""
        return "\n".join(path.read_text() for path in sorted(self.logs.iterdir()))


@contextmanager
def running(folder: Path) -> Iterator[LocalCloud]:
    """A server on a free port; it ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = f"from pathlib import Path; from tests.cloud.server import main; main({port}, Path({str(folder)!r}))"
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": f"{PARSER}:{Path.cwd()}"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=environment)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5)
                break
            except OSError:
                time.sleep(0.1)
        cloud = LocalCloud(f"http://127.0.0.1:{port}", folder)
        for bucket in OPEN_DATA:
            create_public_bucket(cloud, bucket)
        yield cloud
    finally:
        os.killpg(process.pid, 9)
        process.wait()


@dataclass(frozen=True)
class Hourcast:
    """A deployment in a local cloud: its store, state machine and topic's listener."""

    cloud: LocalCloud
    name: str
    store: Store
    machine: str
    inbox: str

    def call(self, function: str, event: Any) -> dict[str, Any]:
        """Invoke a function; RuntimeError with what it raised."""
        name, payload = f"{self.name}-{function}", json.dumps(event).encode()
        answer = self.cloud.client("lambda").invoke(FunctionName=name, Payload=payload)
        body = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"{body['errorType']}: {body['errorMessage']}")
        return body  # type: ignore[no-any-return]

    def trigger(self) -> dict[str, Any]:
        """What the scheduler does on the hour."""
        return self.call("hourly_trigger", {"time": HOUR.init_time.isoformat() + "Z"})

    def executions(self) -> list[dict[str, Any]]:
        """The executions of the state machine, newest first."""
        listed = self.cloud.client("stepfunctions").list_executions(stateMachineArn=self.machine)
        return listed["executions"]  # type: ignore[no-any-return]

    def wait(self) -> list[str]:
        """How the executions ended, newest first."""
        until = time.monotonic() + WAIT_SECONDS
        while any(execution["status"] == "RUNNING" for execution in self.executions()):
            if time.monotonic() > until:
                raise TimeoutError(self.cloud.said()[-4000:])
            time.sleep(0.2)
        return [execution["status"] for execution in self.executions()]

    def outputs(self) -> list[dict[str, Any]]:
        """What the executions ended with, newest first."""
        describe = self.cloud.client("stepfunctions").describe_execution
        return [json.loads(describe(executionArn=part["executionArn"])["output"]) for part in self.executions()]

    def error(self) -> str:
        """Why the newest execution failed."""
        arn = self.executions()[0]["executionArn"]
        described = self.cloud.client("stepfunctions").describe_execution(executionArn=arn)
        return f"{described.get('error')}: {described.get('cause')}"

    def told(self) -> list[dict[str, Any]]:
        """What subscribers were told since the last call, oldest first."""
        sqs = self.cloud.client("sqs")
        messages = sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]

    def state(self) -> str:
        """Of the hour, in the table of hours."""
        key = {"hour": {"S": str(HOUR)}}
        item = self.cloud.client("dynamodb").get_item(TableName=f"{self.name}-{HOURS}", Key=key)["Item"]
        return item["state"]["S"]  # type: ignore[no-any-return]


def deploy(cloud: LocalCloud, name: str) -> Hourcast:
    """Everything a deployment consists of, each under its name, with its configuration in its bucket."""
    cloud.client("s3").create_bucket(Bucket=name)
    store = Store.open(f"s3://{name}", endpoint=cloud.address)
    configure(cloud, store)
    dynamodb = cloud.client("dynamodb")
    for table, key in ((HOURS, "hour"), (ONCE, "id")):
        dynamodb.create_table(
            TableName=f"{name}-{table}", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        )  # fmt: skip
    topic = cloud.client("sns").create_topic(Name=name)["TopicArn"]
    inbox = cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{name}"
    jobs = _deploy_jobs(cloud, name)
    environment = {
        "HOURCAST_STORE": f"s3://{name}", "STATE_MACHINE_ARN": machine, "HOURS_TABLE": f"{name}-{HOURS}",
        "IDEMPOTENCY_TABLE": f"{name}-{ONCE}", "TOPIC_ARN": topic, "INGEST_JOB_QUEUE": f"{name}-{QUEUE}",
        "INGEST_JOB_DEFINITION": jobs["ingest"],
    }  # fmt: skip
    functions = _deploy_functions(cloud, name, environment)
    resources = Resources(
        plan_shards=functions["plan_shards"], verify_stage=functions["verify_stage"], notify=functions["notify"],
        hours_table=f"{name}-{HOURS}", job_definitions=jobs, job_queues=dict.fromkeys(jobs, f"{name}-{QUEUE}"),
    )  # fmt: skip
    body = json.dumps(definition(resources))
    cloud.client("stepfunctions").create_state_machine(name=name, definition=body, roleArn=ROLE)
    return Hourcast(cloud, name, store, machine, inbox)


def create_public_bucket(cloud: LocalCloud, bucket: str) -> None:
    """A bucket that anybody may read, as open data are: readers sign nothing."""
    cloud.client("s3").create_bucket(Bucket=bucket)
    arn = f"arn:aws:s3:::{bucket}"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"]}
    policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": [arn, f"{arn}/*"]}]}
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def configure(cloud: LocalCloud, store: Store) -> Deployment:
    """The tiny deployment whose sources and observations lie in this cloud."""
    settings = yaml.safe_load(write_configuration(cloud.logs, cloud.logs / "tiny").read_text())
    endpoint = {"endpoint": cloud.address}
    settings |= {"store": store.url, "observations": endpoint, "tile_rows": 4}
    settings["sources"] = dict.fromkeys(settings["sources"], endpoint)
    store.write(paths.CONFIGURATION, yaml.safe_dump(settings).encode())
    return Deployment(Config.model_validate(settings), store)


def bring_in(hourcast: Hourcast, laptop: Store) -> None:
    """What ingest brought before the hour, and learning of the parameters that the tiny world has no data for.

    Both are taken from a laptop's store; all else is to do.
    """
    past = ("input", "skill", paths.work(HOUR, "weights"), paths.journal(HOUR, "learn"))
    for info in [info for folder in past for info in laptop.list(folder)]:
        if info.key.startswith("input") or not any(parameter in info.key for parameter in NAMES):
            hourcast.store.write(info.key, laptop.read(info.key))


def _deploy_jobs(cloud: LocalCloud, name: str) -> dict[str, str]:
    batch = cloud.client("batch")
    iam = cloud.client("iam")
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="local", AssumeRolePolicyDocument="{}")
    batch.create_compute_environment(computeEnvironmentName=name, type="UNMANAGED", serviceRole=ROLE)
    order = [{"order": 1, "computeEnvironment": name}]
    batch.create_job_queue(jobQueueName=f"{name}-{QUEUE}", priority=1, state="ENABLED", computeEnvironmentOrder=order)
    definitions = {}
    for row in STAGES:
        properties = job_definition(
            row, name=f"{name}-{row.name}", image="local", environment={"HOURCAST_STORE": f"s3://{name}"}
        )
        definitions[row.name] = properties["JobDefinitionName"]
        batch.register_job_definition(**_in_camel_case(properties))
    return definitions


def _in_camel_case(properties: Any) -> Any:
    """CloudFormation's names as the service's own."""
    if isinstance(properties, list):
        return [_in_camel_case(part) for part in properties]
    if not isinstance(properties, dict) or "stage" in properties:
        return properties
    return {key[0].lower() + key[1:]: _in_camel_case(value) for key, value in properties.items()}


def _deploy_functions(cloud: LocalCloud, name: str, environment: dict[str, str]) -> dict[str, str]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("empty", "")
    arns = {}
    for function in FUNCTIONS:
        arns[function] = cloud.client("lambda").create_function(
            FunctionName=f"{name}-{function}", Runtime="python3.11", Role=ROLE, Timeout=120,
            Handler=f"lambdas.{function}.handler", Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": environment},
        )["FunctionArn"]  # fmt: skip
    return arns
