"""A deployment in a local cloud: everything that the stacks make, under one name."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import yaml

from cdk.functions import HEAVY, JOBS, LIGHT, SHARED
from cdk.jobs import BACKGROUND_JOBS, background_definition, job_definition, nodes_definition
from cdk.local.cloud import NODES_QUEUE, REGION, LocalCloud
from cdk.state_machine import Resources, definition
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.stages import stage
from pipeline.store import Store

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/local"
QUEUE, HOURS, ONCE = "jobs", "hours", "once"
_POLL_SECONDS = 0.2


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
        return body

    def trigger(self, hour: Cycle) -> dict[str, Any]:
        """What the scheduler does on the hour."""
        return self.call("hourly_trigger", {"time": hour.init_time.isoformat() + "Z"})

    def executions(self) -> list[dict[str, Any]]:
        """The executions of the state machine, newest first."""
        listed = self.cloud.client("stepfunctions").list_executions(stateMachineArn=self.machine)
        return listed["executions"]

    def wait(self, seconds: float) -> list[str]:
        """How the executions ended, newest first; TimeoutError if one takes longer."""
        until = time.monotonic() + seconds
        while any(execution["status"] == "RUNNING" for execution in self.executions()):
            if time.monotonic() > until:
                raise TimeoutError(self.cloud.said()[-4000:])
            time.sleep(_POLL_SECONDS)
        return [execution["status"] for execution in self.executions()]

    def history(self) -> list[dict[str, Any]]:
        """Every event of the newest execution."""
        arn = self.executions()[0]["executionArn"]
        pages = self.cloud.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

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

    def state(self, hour: Cycle) -> str:
        """Of the hour, in the table of hours."""
        key = {"hour": {"S": str(hour)}}
        item = self.cloud.client("dynamodb").get_item(TableName=f"{self.name}-{HOURS}", Key=key)["Item"]
        return item["state"]["S"]


def deploy(cloud: LocalCloud, name: str, settings: Mapping[str, Any], nodes: int = 0) -> Hourcast:
    """Everything a deployment consists of, each under its name, with its settings as configuration in its bucket.

    `nodes` share the bands of the blend, as in `cdk.settings`.
    """
    cloud.client("s3").create_bucket(Bucket=name)
    store = Store.open(f"s3://{name}", endpoint=cloud.address)
    store.write(paths.CONFIGURATION, yaml.safe_dump({**settings, "store": store.url}).encode())
    dynamodb = cloud.client("dynamodb")
    for table, key in ((HOURS, "hour"), (ONCE, "id")):
        dynamodb.create_table(
            TableName=f"{name}-{table}", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        )  # fmt: skip
    topic = cloud.client("sns").create_topic(Name=name)["TopicArn"]
    inbox = cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
    jobs = _deploy_jobs(cloud, name)
    environment = {
        "HOURCAST_STORE": f"s3://{name}", "STATE_MACHINE_ARN": machine, "HOURS_TABLE": f"{name}-{HOURS}",
        "IDEMPOTENCY_TABLE": f"{name}-{ONCE}", "TOPIC_ARN": topic, "INGEST_JOB_QUEUE": f"{name}-{QUEUE}",
        "INGEST_JOB_DEFINITION": jobs["ingest"], "PLAN_FUNCTION": f"{name}-plan_shards",
        "PUBLISH_FUNCTION": f"{name}-publish",
    }  # fmt: skip
    functions = _deploy_functions(cloud, name, environment)
    resources = Resources(
        functions=functions, hours_table=f"{name}-{HOURS}", job_definitions=jobs,
        job_queues=dict.fromkeys(jobs, f"{name}-{QUEUE}"), node_queue=f"{name}-{NODES_QUEUE}",
        node_definitions={SHARED: _deploy_nodes(cloud, name, nodes)} if nodes else {},
    )  # fmt: skip
    body = json.dumps(definition(resources))
    cloud.client("stepfunctions").create_state_machine(name=name, definition=body, roleArn=ROLE)
    return Hourcast(cloud, name, store, machine, inbox)


def _deploy_jobs(cloud: LocalCloud, name: str) -> dict[str, str]:
    batch = cloud.client("batch")
    iam = cloud.client("iam")
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="local", AssumeRolePolicyDocument="{}")
    batch.create_compute_environment(computeEnvironmentName=name, type="UNMANAGED", serviceRole=ROLE)
    order = [{"order": 1, "computeEnvironment": name}]
    for queue in (QUEUE, NODES_QUEUE):
        batch.create_job_queue(
            jobQueueName=f"{name}-{queue}", priority=1, state="ENABLED", computeEnvironmentOrder=order
        )
    definitions, environment = {}, {"HOURCAST_STORE": f"s3://{name}"}
    for row in JOBS:
        properties = job_definition(row, name=f"{name}-{row.name}", image="local", environment=environment)
        definitions[row.name] = properties["JobDefinitionName"]
        batch.register_job_definition(**_in_camel_case(properties))
    for work in BACKGROUND_JOBS:
        properties = background_definition(work, name=f"{name}-{work.row.name}", image="local", environment=environment)
        batch.register_job_definition(**_in_camel_case(properties))
    return definitions


def _deploy_nodes(cloud: LocalCloud, name: str, nodes: int) -> str:
    properties = nodes_definition(
        stage(SHARED), name=f"{name}-{SHARED}-nodes", nodes=nodes, workers=1, image="local",
        environment={"HOURCAST_STORE": f"s3://{name}"},
    )  # fmt: skip
    cloud.client("batch").register_job_definition(**_in_camel_case(properties))
    return str(properties["JobDefinitionName"])


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
    for function in (*LIGHT, *HEAVY):
        arns[function] = cloud.client("lambda").create_function(
            FunctionName=f"{name}-{function}", Runtime="python3.11", Role=ROLE, Timeout=120,
            Handler=f"lambdas.{function}.handler", Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": environment},
        )["FunctionArn"]  # fmt: skip
    return arns
