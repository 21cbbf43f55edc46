"""The hour waits for the cluster: a branch of its state machine, and the one command that it may send. Pure functions.

The command is a document of Systems Manager, so that the state machine may run nothing else on that node, and no port
is open. The node answers by the task's token (`pipeline.physics.hour`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cdk.cluster.settings import MOUNT, OUTPUT, RUNS, BackEnd

PHYSICS = "physics"
HEARTBEAT_SECONDS = 60
"""The hour goes on if it hears nothing of the node for so long."""
_DELIVERY_SECONDS = 30


@dataclass(frozen=True)
class Submitter:
    """The node that submits jobs: the tags it is found by, and the document of what may be run on it."""

    document: str
    tags: dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where the node has what: who submits jobs, the Python with hourcast in it, folders of hours and of customers,
    and the deployment's configuration.
    """

    user: str = "ec2-user"
    python: str = "/opt/hourcast/bin/python"
    runs: str = f"{MOUNT}/{RUNS}"
    output: str = f"{MOUNT}/{OUTPUT}"
    config: str = f"{MOUNT}/{RUNS}/forecast.yaml"


def submitter(deployment: str, back_end: BackEnd) -> Submitter:
    """Of a deployment such as hourcast-prod; ParallelCluster has tags of its own for its head node."""
    if back_end == "parallelcluster":
        tags = {"parallelcluster:cluster-name": deployment, "parallelcluster:node-type": "HeadNode"}
    else:
        tags = {"hourcast:submits": deployment}
    return Submitter(f"{deployment}-{PHYSICS}", tags)


def document(place: Place) -> dict[str, Any]:
    """The command, as a document of schema 2.2: attend to one hour's runs and answer.

    A parameter goes into a shell's text, so each has a pattern without anything that a shell would act on. What Lustre
    takes from a bucket is root's at first: it is given to who submits, who may also begin the folder of an earlier
    hour, where a run lies that starts then, and may not replace the configuration.
    """
    hour = f"{place.runs}/{{{{ hour }}}}"
    attend = f"exec {place.python} -m pipeline.physics.hour {hour} {place.config} {{{{ seconds }}}}"
    return {
        "schemaVersion": "2.2",
        "description": "Submit and watch an hour's physics runs, and answer the task that waits for them.",
        "parameters": {
            "hour": {"type": "String", "allowedPattern": "^[0-9]{8}T[0-9]{2}Z$"},
            "seconds": {"type": "String", "allowedPattern": "^[1-9][0-9]{0,5}$"},
            "token": {"type": "String", "allowedPattern": "^[A-Za-z0-9+/=_-]{1,2048}$"},
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "attend",
                "inputs": {
                    "timeoutSeconds": "{{ seconds }}",
                    "runCommand": [
                        "export HOURCAST_TASK_TOKEN='{{ token }}'",
                        'export AWS_DEFAULT_REGION="$AWS_SSM_REGION_NAME"',
                        f"install -d -g $(id -gn {place.user}) -m 1775 {place.runs}",
                        f"mkdir -p {hour} && chown -R {place.user}: {hour}",
                        f"for own in {place.output}/*/; do [ ! -d $own ] || chown {place.user}: $own; done",
                        f"exec runuser -u {place.user} -- bash -lc '{attend}'",
                    ],
                },
            }
        ],
    }


def branch(node: Submitter, *, seconds: int) -> dict[str, Any]:
    """A branch that ends whole or degraded, like a dispensable stage's, after so many seconds at most."""
    degraded, whole = f"{PHYSICS} degraded", f"{PHYSICS} whole"
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ssm:sendCommand.waitForTaskToken",
        "Parameters": {
            "DocumentName": node.document,
            "Targets": [{"Key": f"tag:{key}", "Values": [value]} for key, value in node.tags.items()],
            "TimeoutSeconds": _DELIVERY_SECONDS,
            "Parameters": {
                "hour.$": "States.Array($.hour)",
                "seconds": [str(seconds)],
                "token.$": "States.Array($$.Task.Token)",
            },
        },
        "TimeoutSeconds": seconds,
        "HeartbeatSeconds": min(HEARTBEAT_SECONDS, seconds // 2),
        "ResultPath": None,
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.physics", "Next": degraded}],
        "Next": whole,
    }
    lacking = {"stage": PHYSICS, "degraded": True, "because.$": "$.physics"}
    return {
        "StartAt": PHYSICS,
        "States": {
            PHYSICS: task,
            whole: {"Type": "Pass", "Result": {"stage": PHYSICS, "degraded": False}, "End": True},
            degraded: {"Type": "Pass", "Parameters": lacking, "End": True},
        },
    }
