"""moto's server, in which state machines, functions and jobs run for real, and faults can be asked for.

It listens on loopback; logs of functions and jobs go to a folder. Start it by `-c`, not by `-m`: a job's new process
would import the main module again.
"""

from __future__ import annotations

import json
import os
import threading
import traceback
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from moto import backends
from moto.awslambda.models import LambdaFunction
from moto.batch.exceptions import ClientException
from moto.batch.models import Job
from moto.batch.responses import BatchResponse
from moto.batch.utils import JobStatus
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_batch,
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from werkzeug.serving import run_simple

from cdk.local.batch_jobs import prepare, run_attempts, run_nodes
from cdk.local.cloud import NODES_QUEUE, LocalCloud
from cdk.local.faults import Faults
from cdk.local.figures import Call, Figures
from cdk.local.lambda_runtime import LambdaRuntime, introduction

POLL_SECONDS = 0.1
"""Between two looks of a state machine at the jobs that it waits for."""
_lane: ContextVar[str] = ContextVar("lane")


def patch_functions(folder: Path, endpoint: dict[str, str]) -> dict[str, list[Call]]:
    """Let moto's functions run their handlers; answers their calls by name, which grow."""
    runtimes: dict[str, LambdaRuntime] = {}
    calls: dict[str, list[Call]] = {}
    lock = threading.Lock()

    def invoke(self: LambdaFunction, event: str | None = None) -> tuple[str, bool, str]:
        with lock:
            if self.function_arn not in runtimes:
                told = introduction(self.function_name, self.memory_size)
                environment = endpoint | self.environment_vars | told
                log = folder / f"{self.function_name}.log"
                runtimes[self.function_arn] = LambdaRuntime(
                    self.handler, self.function_arn, environment, int(self.timeout), log
                )
                calls[self.function_name] = runtimes[self.function_arn].calls
        body, failed = runtimes[self.function_arn].invoke(json.dumps(event).encode())
        return body.decode(), failed, ""

    LambdaFunction._invoke_lambda = invoke
    LambdaFunction.ensure_image_exists = lambda *_: None
    return calls


def patch_jobs(folder: Path, endpoint: dict[str, str]) -> None:
    """Let moto's jobs run as processes, in the lane that they are submitted to."""
    submitted, started = BatchResponse.submitjob, Job.start

    def submit(self: BatchResponse) -> str:
        lane, has_lanes = self._get_param("shareIdentifier"), not self._get_param("jobQueue").endswith(NODES_QUEUE)
        if has_lanes is (lane is None):
            raise ClientException("Jobs of a queue with a scheduling policy need a shareIdentifier, no others have one")
        _lane.set(lane or "")
        return submitted(self)

    def start(self: Job) -> None:
        self.lane = _lane.get()
        started(self)

    def run(self: Job) -> None:
        try:
            self.status = JobStatus.RUNNING
            definition = {"retryStrategy": self.job_definition.retry_strategy, "timeout": self.job_definition.timeout}
            log = folder / f"job-{self.job_name}.log"
            environment = endpoint | {"AWS_BATCH_JOB_ID": self.job_id}
            if self.job_definition.type == "multinode":
                (nodes,) = self.job_definition.node_properties["nodeRangeProperties"]
                environment |= {pair["name"]: pair["value"] for pair in nodes["container"]["environment"]}
                command = self._add_parameters_to_command(nodes["container"]["command"])
                commands = [command] * self.job_definition.node_properties["numNodes"]
                self._mark_stopped(run_nodes(commands, environment, definition, log, lambda: self.stop))
                return
            for pair in self._get_container_property("environment", []):
                environment[pair["name"]] = pair["value"]
            if "index" in self.array_properties:
                environment["AWS_BATCH_JOB_ARRAY_INDEX"] = str(self.array_properties["index"])
            command = self._add_parameters_to_command(self._get_container_property("command", []))
            self._mark_stopped(run_attempts(command, self.lane, environment, definition, log, lambda: self.stop))
        except Exception:
            traceback.print_exc()
            self._mark_stopped(success=False)

    described = Job.describe

    def describe(self: Job) -> dict[str, Any]:
        """An array of which all children have ended has ended too, in failure if one has failed."""
        states = [child.status for child in self._child_jobs or []]
        if JobStatus.FAILED in states and {*states} <= {JobStatus.FAILED, JobStatus.SUCCEEDED}:
            self.status = JobStatus.FAILED
        return described(self)

    Job.run, Job.start, Job.describe, BatchResponse.submitjob = run, start, describe, submit


def patch_batch_integration() -> None:
    """Let `batch:submitJob.sync` translate between the state machine's names and boto's, and ask often."""
    state_task_service_batch._SUPPORTED_API_PARAM_BINDINGS["submitjob"].add("ShareIdentifier")
    state_task_service_callback._DELAY_SECONDS_SYNC_CONDITION_CHECK = POLL_SECONDS
    service = state_task_service_batch.StateTaskServiceBatch
    model = botocore.session.get_session().get_service_model("batch")

    def operation(self: StateTaskServiceCallback, action: str | None) -> Any:
        words = (action or self.resource.api_action).split("_")
        return model.operation_model("".join(word[:1].upper() + word[1:] for word in words))

    def request(
        self: StateTaskServiceCallback,
        parameters: Any,
        service_action_name: str | None = None,
        **_: Any,
    ) -> None:
        self._to_boto_request(parameters, operation(self, service_action_name).input_shape)

    def response(
        self: StateTaskServiceCallback,
        response: Any,
        service_action_name: str | None = None,
        **_: Any,
    ) -> None:
        self._from_boto_response(response, operation(self, service_action_name).output_shape)

    service._normalise_parameters = request
    service._normalise_response = response


def patch_function_integration() -> None:
    """Let errors of the Lambda service itself have the names that state machines know them by."""
    explained = StateTaskLambda._from_error

    def explain(self: StateTaskLambda, env: Any, ex: Exception) -> Any:
        event = explained(self, env, ex)
        if isinstance(ex, ClientError):
            event.error_name = CustomErrorName(f"Lambda.{ex.response['Error']['Code']}")
        return event

    StateTaskLambda._from_error = explain


def patch_dispatch() -> None:
    """Let moto read the names of its services once, not in its folders at every request."""
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names


def main(port: int, folder: Path) -> None:
    """Serve until killed."""
    address = f"http://127.0.0.1:{port}"
    endpoint = LocalCloud(address, folder).environment
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    os.environ["MOTO_PORT"] = str(port)  # state machines call the other services there
    prepare()
    calls = patch_functions(folder, endpoint)
    patch_jobs(folder, endpoint)
    patch_batch_integration()
    patch_function_integration()
    patch_dispatch()
    application = Figures(DomainDispatcherApplication(create_backend_app), calls)
    run_simple("127.0.0.1", port, Faults(application), threaded=True)
