"""The Batch job of a stage, as CloudFormation properties, from the table of stages: a pure function."""

from __future__ import annotations

from typing import Any

from pipeline.stages import Stage

COMMAND = ["hourcast", "shard", "--cycle", "Ref::hour", "--stage", "Ref::stage"]
MAY_PASS = "75"
"""Exit code of a worker whose failure may pass; see `pipeline.runner.worker.Exit`."""
SCRATCH_MIB = 1024
USER = "10001"

# A machine that is taken away, an image that cannot be had and a passing failure are repeated, bad input never.
_REPEATED = [
    {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
    {"Action": "RETRY", "OnReason": "CannotPullContainer*"},
    {"Action": "RETRY", "OnExitCode": MAY_PASS},
    {"Action": "EXIT", "OnReason": "*"},
]


def job_definition(stage: Stage, *, name: str, image: Any, environment: dict[str, Any]) -> dict[str, Any]:
    """A job that runs one shard of the stage: its size, time limit and repetitions are those of the table.

    `image` and the values of `environment` may be CloudFormation expressions.
    """
    needs = {"VCPU": stage.vcpus, "MEMORY": stage.memory_mib, "GPU": stage.gpus}
    return {
        "JobDefinitionName": name,
        "Type": "container",
        "PlatformCapabilities": ["EC2"],
        "Parameters": {"stage": stage.name},
        "SchedulingPriority": 1,  # within a lane all are equal, but a queue with lanes must be told
        "Timeout": {"AttemptDurationSeconds": stage.timeout_seconds},
        "RetryStrategy": {"Attempts": 1 + stage.retries, "EvaluateOnExit": _REPEATED},
        "ContainerProperties": {
            "Image": image,
            "Command": COMMAND,
            "User": USER,
            "Privileged": False,
            "ReadonlyRootFilesystem": True,
            "LinuxParameters": {"Tmpfs": [{"ContainerPath": "/tmp", "Size": SCRATCH_MIB}]},
            "ResourceRequirements": [{"Type": kind, "Value": str(count)} for kind, count in needs.items() if count],
            "Environment": [{"Name": key, "Value": value} for key, value in environment.items()],
        },
    }
