"""The state machine of an hour as Amazon States Language, from the table of stages: a pure function.

Claim the hour, run the stages wave by wave, publish, tell. A stage is planned, run as a Batch job and then judged by
what is in the store; what Batch says of it decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cdk.cluster.task import Submitter, branch
from cdk.functions import STAGE_FUNCTIONS
from cdk.lanes import LANES, PRODUCTION
from pipeline.stages import BUDGET_SECONDS, PUBLICATION, STAGES, SUPPLIERS, Stage, needed

State = dict[str, Any]

HOUR_SECONDS = 2 * 60 * 60
"""An execution older than this is stopped; a newer hour has long been published."""
INGEST = "ingest"

_LAMBDA_SECONDS = 120
_LAMBDA_RETRY = {
    "ErrorEquals": [
        "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException", "Lambda.Unknown", "Sandbox.Timedout", "States.Timeout", "StoreError",
        "ShardMayPass",
    ],
    "IntervalSeconds": 2, "BackoffRate": 2.0, "MaxAttempts": 5, "MaxDelaySeconds": 30, "JitterStrategy": "FULL",
}  # fmt: skip
_TABLE_RETRY = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 5, "MaxDelaySeconds": 20, "JitterStrategy": "FULL",
}  # fmt: skip
_CLAIMED = "DynamoDB.ConditionalCheckFailedException"
_STAGE_RETRY = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 5, "BackoffRate": 2.0, "MaxAttempts": 1, "MaxDelaySeconds": 60, "JitterStrategy": "FULL",
}  # fmt: skip


@dataclass(frozen=True)
class Resources:
    """Names and ARNs of what the machine calls; `functions` by name, `job_definitions` and `job_queues` by stage."""

    functions: dict[str, str]
    hours_table: str
    job_definitions: dict[str, str]
    job_queues: dict[str, str]
    node_definitions: dict[str, str] = field(default_factory=dict)
    """By stage, of those whose shards the nodes of one job share; such a job waits in `node_queue`."""
    node_queue: str = ""
    cluster: Submitter | None = None
    """Where an hour's physics runs are submitted, if there is a cluster."""


def waves(stages: tuple[Stage, ...] = STAGES) -> list[tuple[Stage, ...]]:
    """The stages in groups, each group after those before it and after all that its stages need.

    A stage that has a choice goes into the latest group that would take as long without it.
    """
    first: dict[str, int] = {}
    for stage in stages:
        first[stage.name] = 1 + max((first[name] for name in stage.needs), default=-1)
    place: dict[str, int] = {}
    limits = [0] * (1 + max(first.values()))
    for stage in reversed(stages):
        last = min((place[row.name] for row in stages if stage.name in row.needs), default=len(limits)) - 1
        choices = range(last, first[stage.name] - 1, -1)
        place[stage.name] = next((group for group in choices if limits[group] >= stage.timeout_seconds), last)
        limits[place[stage.name]] = max(limits[place[stage.name]], stage.timeout_seconds)
    return [tuple(stage for stage in stages if place[stage.name] == group) for group in range(len(limits))]


def is_dispensable(stage: Stage, stages: tuple[Stage, ...] = STAGES) -> bool:
    """Whether the hour goes on without the stage: a supplier, or one that publication does not wait for."""
    return stage.name not in needed(stages)


def deadline_seconds(stage: Stage, stages: tuple[Stage, ...] = STAGES) -> int:
    """How long the hour waits for one attempt of a stage.

    Its time limit; only a supplier gets no more than its share of the budget: time limits of the waves up to
    publication, scaled to add up to it.
    """
    if stage.name not in SUPPLIERS:
        return stage.timeout_seconds
    limits = [max(row.timeout_seconds for row in wave) for wave in waves(stages)]
    until = next(
        (number for number, wave in enumerate(waves(stages)) if PUBLICATION in {row.name for row in wave}), len(limits)
    )
    return round(stage.timeout_seconds * min(1.0, BUDGET_SECONDS / sum(limits[: until + 1])))


def definition(resources: Resources, stages: tuple[Stage, ...] = STAGES) -> State:
    """The whole machine; its input is the hour's plan as `lambdas.hourly_trigger` makes it."""
    chain: dict[str, State] = {"Claim": _claim(resources)}
    for number, wave in enumerate(waves(stages)):
        chain[_wave_name(wave)] = {
            "Type": "Parallel",
            "Branches": [*(_branch(stage, resources) for stage in wave), *_physics(wave, resources)],
            "ResultPath": f"$.wave_{number}",
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Mark failed"}],
        }
        if any(stage.name == PUBLICATION for stage in wave):
            chain["Mark published"] = _mark("published", resources)
            chain["Tell published"] = _tell("published", resources)
    _link(chain, "Done")
    chain["Claim"]["Catch"] = [{"ErrorEquals": [_CLAIMED], "ResultPath": None, "Next": "Claimed by another"}]
    failure = {"Mark failed": _mark("failed", resources), "Tell failed": _tell("failed", resources)}
    _link(failure, "Hour failed")
    ends: dict[str, State] = {
        "Done": {"Type": "Succeed"},
        "Claimed by another": {"Type": "Succeed", "Comment": "Exactly one execution makes an hour."},
        "Hour failed": {"Type": "Fail", "Error": "HourFailed", "Cause": "A stage that the hour needs is not whole."},
    }
    return {
        "Comment": "One forecast hour. Generated from pipeline/stages.py.",
        "StartAt": "Claim",
        "TimeoutSeconds": HOUR_SECONDS,
        "States": chain | failure | ends,
    }


def _wave_name(wave: tuple[Stage, ...]) -> str:
    return "Wave " + ", ".join(stage.name for stage in wave)


def _link(chain: dict[str, State], end: str) -> None:
    """Let each state lead to the one after it, the last to `end`."""
    for state, following in zip(chain.values(), [*list(chain)[1:], end], strict=True):
        state["Next"] = following


def _claim(resources: Resources) -> State:
    """Exactly one execution at a time has an hour: a new one, one that follows a failure, or the owner redriven."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Parameters": {
            "TableName": resources.hours_table,
            "Item": {
                "hour": {"S.$": "$.hour"},
                "state": {"S": "running"},
                "owner": {"S.$": "$$.Execution.Name"},
                "started": {"S.$": "$$.State.EnteredTime"},
                "deadline": {"S.$": "$.deadline"},
            },
            "ConditionExpression": "attribute_not_exists(#hour) OR #state = :failed OR #owner = :me",
            "ExpressionAttributeNames": {"#hour": "hour", "#state": "state", "#owner": "owner"},
            "ExpressionAttributeValues": {":failed": {"S": "failed"}, ":me": {"S.$": "$$.Execution.Name"}},
        },
        "TimeoutSeconds": 30,
        "Retry": [{**_TABLE_RETRY, "ErrorEquals": [_CLAIMED], "MaxAttempts": 0}, _TABLE_RETRY],
        "ResultPath": None,
    }


def _mark(state: str, resources: Resources) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Parameters": {
            "TableName": resources.hours_table,
            "Key": {"hour": {"S.$": "$.hour"}},
            "UpdateExpression": "SET #state = :state, #ended = :now",
            "ExpressionAttributeNames": {"#state": "state", "#ended": "ended"},
            "ExpressionAttributeValues": {":state": {"S": state}, ":now": {"S.$": "$$.State.EnteredTime"}},
        },
        "TimeoutSeconds": 30,
        "Retry": [_TABLE_RETRY],
        "ResultPath": None,
    }


def _lambda(arn: str, parameters: State) -> State:
    return {
        "Type": "Task",
        "Resource": arn,
        "Parameters": parameters,
        "TimeoutSeconds": _LAMBDA_SECONDS,
        "Retry": [_LAMBDA_RETRY],
    }


def _tell(outcome: str, resources: Resources) -> State:
    """A subscriber that cannot be told does not undo the hour."""
    parameters = {
        "hour.$": "$.hour", "deadline.$": "$.deadline", "outcome": outcome, "ended.$": "$$.State.EnteredTime",
    }  # fmt: skip
    following = "Hour failed" if outcome == "failed" else _wave_after_publication()
    return {
        **_lambda(resources.functions["notify"], parameters),
        "ResultPath": None,
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": following}],
    }


def _wave_after_publication(stages: tuple[Stage, ...] = STAGES) -> str:
    order = waves(stages)
    published = next(number for number, wave in enumerate(order) if PUBLICATION in {row.name for row in wave})
    return _wave_name(order[published + 1]) if published + 1 < len(order) else "Done"


def _branch(stage: Stage, resources: Resources) -> State:
    """A stage with its second chance, and for a dispensable one the way on without it."""
    whole: State = {
        "Type": "Parallel",
        "Branches": [_stage(stage, resources)],
        "Retry": [_STAGE_RETRY],
        "ResultPath": None,
        "Next": f"{stage.name} whole",
    }
    states: dict[str, State] = {
        stage.name: whole,
        f"{stage.name} whole": {"Type": "Pass", "Result": {"stage": stage.name, "degraded": False}, "End": True},
    }
    if is_dispensable(stage):
        degraded = f"{stage.name} degraded"
        whole["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": degraded}]
        states[degraded] = {"Type": "Pass", "Result": {"stage": stage.name, "degraded": True}, "End": True}
    return {"StartAt": stage.name, "States": states}


def _physics(wave: tuple[Stage, ...], resources: Resources) -> list[State]:
    """Beside `ingest`, and waited for as long: what the cluster makes of the hour. It never makes the hour longer."""
    if resources.cluster is None or INGEST not in {stage.name for stage in wave}:
        return []
    return [branch(resources.cluster, seconds=max(map(deadline_seconds, wave)))]


def _stage(stage: Stage, resources: Resources) -> State:
    """Plan the shards, run them in a function or a job (array or nodes, if several), judge by what is in the store."""
    asked = {"hour.$": "$.hour", "stage": stage.name}
    verbs = ("Plan", "Count", "Run", "Run all of", "Verify")
    plan, count, job, many, judge = (f"{verb} {stage.name}" for verb in verbs)
    choices = [{"Variable": "$.plan.shards", "NumericEquals": 0, "Next": judge}]
    if stage.name in STAGE_FUNCTIONS:
        after, work = job, {job: _run_in_function(stage, resources, judge)}
    else:
        choices.append({"Variable": "$.plan.shards", "NumericEquals": 1, "Next": job})
        after, work = many, {job: _one(stage, resources, judge), many: _many(stage, resources, judge)}
    return {
        "StartAt": plan,
        "States": {
            plan: {
                **_lambda(resources.functions["plan_shards"], asked),
                "ResultPath": "$.plan",
                "Next": count,
            },
            count: {"Type": "Choice", "Choices": choices, "Default": after},
            **work,
            judge: {**_lambda(resources.functions["verify_stage"], asked), "End": True},
        },
    }


def _run_in_function(stage: Stage, resources: Resources, judge: str) -> State:
    """The call of the stage's function; however it ends, its work is judged."""
    function = resources.functions[STAGE_FUNCTIONS[stage.name]]
    return {
        **_lambda(function, {"hour.$": "$.hour", "stage": stage.name}),
        "TimeoutSeconds": deadline_seconds(stage),
        "Retry": [{**_LAMBDA_RETRY, "MaxAttempts": stage.retries}],
        "ResultPath": None,
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": judge}],
        "Next": judge,
    }


def _one(stage: Stage, resources: Resources, judge: str) -> State:
    """The job of one shard."""
    return _job(stage, judge, resources.job_definitions[stage.name], _in_lane(stage, resources))


def _many(stage: Stage, resources: Resources, judge: str) -> State:
    """The job of several shards: a child for each, or nodes that share them."""
    if stage.name in resources.node_definitions:
        return _job(stage, judge, resources.node_definitions[stage.name], {"JobQueue": resources.node_queue})
    size = {"ArrayProperties": {"Size.$": "$.plan.shards"}}
    return _job(stage, judge, resources.job_definitions[stage.name], _in_lane(stage, resources) | size)


def _in_lane(stage: Stage, resources: Resources) -> State:
    return {"JobQueue": resources.job_queues[stage.name], "ShareIdentifier": LANES.get(stage.name, PRODUCTION)}


def _job(stage: Stage, judge: str, definition: str, submitted: State) -> State:
    """A Batch job; however it ends, its work is judged."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {
            "JobName.$": f"States.Format('{{}}-{stage.name}', $.hour)",
            "JobDefinition": definition,
            "Parameters": {"hour.$": "$.hour"},
            **submitted,
        },
        "TimeoutSeconds": deadline_seconds(stage),
        "ResultPath": None,
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": judge}],
        "Next": judge,
    }
