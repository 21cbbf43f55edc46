"""Functions, state machine and schedules: what makes an hour happen."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from cdk.cluster.task import Submitter
from cdk.compute import OBJECTS, PLATFORMS, Compute
from cdk.data import Data
from cdk.functions import CALLED, HEAVY, JOBS, LIGHT, PROCESSORS, STAGE_FUNCTIONS
from cdk.state_machine import Resources, definition
from pipeline.stages import BUDGET_SECONDS, STAGES

FIRED = {"hourly_trigger": 0, "watchdog": BUDGET_SECONDS // 60}
"""Functions that the scheduler calls every hour, at which minute."""
SECONDS = 60
SIZES = {
    name: (row.memory_mib, row.timeout_seconds) for row in STAGES if (name := STAGE_FUNCTIONS.get(row.name)) is not None
}
"""MiB and seconds of the functions that run a stage: those of the table."""
# These actions know no resource.
_TRACING = [
    f"xray:{name}" for name in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
]
_LOG_DELIVERY = [
    f"logs:{name}"
    for name in (
        "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
        "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
    )
]  # fmt: skip
ARRIVALS_AT_ONCE = 10
ARCHITECTURES = {"x86_64": functions.Architecture.X86_64, "arm64": functions.Architecture.ARM_64}


class Service(Stack):
    """The hour: a schedule calls the trigger, the trigger starts the machine, the machine calls functions and jobs."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        data: Data,
        compute: Compute,
        containers: str,
        cluster: Submitter | None = None,
    ) -> None:
        super().__init__(scope, name)
        self._data, self._compute, self._containers, self._cluster = data, compute, containers, cluster
        self.machine_arn = self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=f"{name}-hour",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.functions = {name: self._function(name) for name in (*LIGHT, *HEAVY)}
        self.machine = self._machine(f"{name}-hour")
        self._permit()
        for function, minute in FIRED.items():
            self._schedule(function, minute)
        source = event_sources.SqsEventSource(
            data.arrivals, batch_size=ARRIVALS_AT_ONCE, report_batch_item_failures=True
        )
        self.functions["source_arrived"].add_event_source(source)

    def _function(self, name: str) -> functions.DockerImageFunction:
        image = "array" if name in HEAVY else "lambda"
        size, seconds = SIZES.get(name, (2048 if name in HEAVY else 512, SECONDS))
        role = iam.Role(self, f"{name}-role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        group = logs.LogGroup(
            self, f"{name}-log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        group.grant_write(role)
        command = ["python", "-m", "awslambdaric"] if name in HEAVY else None
        return functions.DockerImageFunction(
            self,
            name,
            code=functions.DockerImageCode.from_image_asset(
                self._containers,
                file=f"containers/{image}/Dockerfile",
                entrypoint=command,
                cmd=[f"lambdas.{name}.handler"],
                platform=PLATFORMS[self._compute.processor],
            ),
            architecture=ARCHITECTURES[self._compute.processor],
            role=role,
            log_group=group,
            memory_size=size,
            timeout=Duration.seconds(seconds),
            tracing=functions.Tracing.ACTIVE,
            environment=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        return {
            "HOURCAST_STORE": f"s3://{self._data.bucket.bucket_name}",
            "HOURS_TABLE": self._data.hours.table_name,
            "IDEMPOTENCY_TABLE": self._data.once.table_name,
            "TOPIC_ARN": self._data.news.topic_arn,
            "STATE_MACHINE_ARN": self.machine_arn,
            "INGEST_JOB_QUEUE": self._compute.queues["array"].job_queue_arn,
            "INGEST_JOB_DEFINITION": self._compute.definitions["ingest"].ref,
            "NUMBA_CPU_NAME": PROCESSORS[self._compute.processor],
        }

    def _machine(self, name: str) -> states.CfnStateMachine:
        resources = Resources(
            functions={name: self.functions[name].function_arn for name in CALLED},
            hours_table=self._data.hours.table_name,
            job_definitions={row.name: self._compute.definitions[row.name].ref for row in JOBS},
            job_queues={row.name: self._compute.queues[row.image].job_queue_arn for row in JOBS},
            node_definitions={name: defined.ref for name, defined in self._compute.node_definitions.items()},
            node_queue=self._compute.node_queue.job_queue_arn if self._compute.node_queue else "",
            cluster=self._cluster,
        )
        role = iam.Role(self, "MachineRole", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        for statement in self._machine_may():
            role.add_to_policy(statement)
        group = logs.LogGroup(
            self, "MachineLog", log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY,
        )  # fmt: skip
        machine = states.CfnStateMachine(
            self,
            "Hour",
            state_machine_name=name,
            role_arn=role.role_arn,
            definition_string=self.to_json_string(json.loads(json.dumps(definition(resources)))),
            tracing_configuration=states.CfnStateMachine.TracingConfigurationProperty(enabled=True),
            logging_configuration=states.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                destinations=[
                    states.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=states.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=group.log_group_arn
                        )
                    )
                ],
            ),
        )
        machine.node.add_dependency(role)
        return machine

    def _machine_may(self) -> list[iam.PolicyStatement]:
        called = [self.functions[name].function_arn for name in CALLED]
        shared = [f"{name}-nodes" for name in self._compute.node_definitions]
        jobs = [*self._queue_arns(), *map(self._any_revision, [*(row.name for row in JOBS), *shared])]
        if self._compute.node_queue:
            jobs.append(self._compute.node_queue.job_queue_arn)
        rule = self.format_arn(
            service="events", resource="rule", resource_name="StepFunctionsGetEventsForBatchJobsRule"
        )
        return [
            _allow(["lambda:InvokeFunction"], called),
            _allow(["dynamodb:PutItem", "dynamodb:UpdateItem"], [self._data.hours.table_arn]),
            _allow(["batch:SubmitJob"], jobs),
            _allow(["batch:DescribeJobs", "batch:TerminateJob"], ["*"]),  # these know no resource
            _allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule]),
            _allow(_TRACING, ["*"]),
            _allow(_LOG_DELIVERY, ["*"]),
            *(self._may_send(self._cluster) if self._cluster else []),
        ]

    def _may_send(self, cluster: Submitter) -> list[iam.PolicyStatement]:
        """One document, to nodes with the cluster's tags."""
        name = self.format_arn(service="ssm", resource="document", resource_name=cluster.document)
        tagged = {"StringEquals": {f"ssm:resourceTag/{key}": value for key, value in cluster.tags.items()}}
        instances = self.format_arn(service="ec2", resource="instance", resource_name="*")
        send = ["ssm:SendCommand"]
        return [
            _allow(send, [name]),
            iam.PolicyStatement(actions=send, resources=[instances], conditions=tagged),
        ]

    def _queue_arns(self) -> list[str]:
        return [queue.job_queue_arn for queue in self._compute.queues.values()]

    def _any_revision(self, job: str) -> str:
        name = f"{self._compute.stack_name}-{job}:*"
        return self.format_arn(service="batch", resource="job-definition", resource_name=name)

    def _permit(self) -> None:
        """What each function may do, and nothing more."""
        data, own = self._data, self.functions
        for name in own:
            own[name].add_to_role_policy(_allow(["s3:GetObject"], [data.bucket.arn_for_objects("*")]))
            own[name].add_to_role_policy(_allow(["s3:ListBucket"], [data.bucket.bucket_arn]))
        for name, journalled in (("plan_shards", ("work", "journal")), ("verify_stage", ("journal",))):
            written = [data.bucket.arn_for_objects(f"{folder}/*") for folder in journalled]
            own[name].add_to_role_policy(_allow(["s3:PutObject"], written))
        for name in STAGE_FUNCTIONS.values():
            own[name].add_to_role_policy(_allow(OBJECTS, [data.bucket.arn_for_objects("*")]))
        for name in ("notify", "watchdog"):
            own[name].add_to_role_policy(_allow(["sns:Publish"], [data.news.topic_arn]))
            own[name].add_to_role_policy(_allow(["kms:Decrypt", "kms:GenerateDataKey"], [data.key.key_arn]))
        for name in ("notify", "watchdog", "source_arrived"):
            changed = [f"dynamodb:{action}Item" for action in ("Get", "Put", "Update", "Delete")]
            own[name].add_to_role_policy(_allow(changed, [data.once.table_arn]))
        begun = {"PLAN_FUNCTION": own["plan_shards"], "PUBLISH_FUNCTION": own["publish"]}
        for variable, function in begun.items():
            own["watchdog"].add_environment(variable, function.function_name)
        called = [function.function_arn for function in begun.values()]
        own["watchdog"].add_to_role_policy(_allow(["lambda:InvokeFunction"], called))
        trigger = own["hourly_trigger"]
        trigger.add_to_role_policy(_allow(["dynamodb:GetItem"], [data.hours.table_arn]))
        trigger.add_to_role_policy(_allow(["states:StartExecution"], [self.machine_arn]))
        ingest = [*self._queue_arns(), self._any_revision("ingest")]
        own["source_arrived"].add_to_role_policy(_allow(["batch:SubmitJob"], ingest))

    def _schedule(self, name: str, minute: int) -> None:
        """Every hour at this minute, told for which time it fires."""
        event = scheduler.ScheduleTargetInput.from_object({"time": scheduler.ContextAttribute.scheduled_time})
        target: Any = targets.LambdaInvoke(
            self.functions[name], input=event, retry_attempts=3, max_event_age=Duration.minutes(15),
            dead_letter_queue=self._data.dead_letters,
        )  # fmt: skip
        when = scheduler.ScheduleExpression.cron(minute=str(minute))
        scheduler.Schedule(self, f"{name}-schedule", schedule=when, target=target)


def _allow(actions: list[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=resources)
