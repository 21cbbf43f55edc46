"""The Batch job of a stage, as CloudFormation properties, from the table of stages: pure functions."""

from __future__ import annotations

from typing import Any

from pipeline.stages import Stage

_STAGE_OF_HOUR = ["--cycle", "Ref::hour", "--stage", "Ref::stage"]
COMMAND = ["hourcast", "shard", *_STAGE_OF_HOUR]
NODES_COMMAND = ["hourcast", "nodes", *_STAGE_OF_HOUR, "--workers", "Ref::workers"]
MAY_PASS = "75"
"""Exit code of a worker whose failure may pass; see `pipeline.runner.worker.Exit`."""
SCRATCH_MIB = 1024
TRAINING_MINUTES = 50
"""Of an attempt: then it is kept, and waits again behind what has come meanwhile."""
TRAINING = Stage("train", "", (), "a run", "gpu", 2, 16384, 0, 3600, 9)
"""No stage of an hour, and a job as theirs; of the image with torch, whose sums it makes on a processor's one core."""
USER = "10001"

# A machine that is taken away, an image that cannot be had, a container that was killed for its memory and a passing
# failure are repeated, bad input never.
_REPEATED = [
    {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
    {"Action": "RETRY", "OnReason": "CannotPullContainer*"},
    {"Action": "RETRY", "OnReason": "OutOfMemoryError*"},
    {"Action": "RETRY", "OnExitCode": MAY_PASS},
    {"Action": "EXIT", "OnReason": "*"},
]


def job_definition(stage: Stage, *, name: str, image: Any, environment: dict[str, Any]) -> dict[str, Any]:
    """A job that runs one shard of the stage: its size, time limit and repetitions are those of the table.

    `image` and the values of `environment` may be CloudFormation expressions.
    """
    return {
        **_common(stage, name),
        "Type": "container",
        "SchedulingPriority": 1,  # within a lane all are equal, but a queue with lanes must be told
        "ContainerProperties": _container(stage, COMMAND, image, environment, shards=1),
    }


def training_definition(*, name: str, image: Any, environment: dict[str, Any]) -> dict[str, Any]:
    """A job for the background lane: part of a training on the reanalysis `data`, kept in the store's folder `keep`.

    It ends as one that may pass until it is done, so that it yields its machine and goes on as often as Batch repeats.
    """
    command = ["hourcast", "train", "Ref::data", "--out", "/tmp/training", "--keep", "Ref::keep"]
    return {
        **_common(TRAINING, name),
        "Type": "container",
        "SchedulingPriority": 1,
        "ContainerProperties": _container(
            TRAINING, [*command, "--minutes", str(TRAINING_MINUTES)], image, environment, shards=1
        ),
    }


def nodes_definition(
    stage: Stage, *, name: str, nodes: int, workers: int, image: Any, environment: dict[str, Any]
) -> dict[str, Any]:
    """A multi-node job that runs all shards of the stage, so many `workers` of each node one at a time.

    Node 0 decides how it ends; another that is lost is done without. See `pipeline.runner.nodes`.
    """
    definition = _common(stage, name)
    definition["Parameters"]["workers"] = str(workers)
    container = _container(stage, NODES_COMMAND, image, environment, shards=workers)
    ranges = [{"TargetNodes": "0:", "Container": container}]
    return {
        **definition,
        "Type": "multinode",
        "NodeProperties": {"NumNodes": nodes, "MainNode": 0, "NodeRangeProperties": ranges},
    }


def _common(stage: Stage, name: str) -> dict[str, Any]:
    return {
        "JobDefinitionName": name,
        "PlatformCapabilities": ["EC2"],
        "Parameters": {"stage": stage.name},
        "Timeout": {"AttemptDurationSeconds": stage.timeout_seconds},
        "RetryStrategy": {"Attempts": 1 + stage.retries, "EvaluateOnExit": _REPEATED},
    }


def _container(
    stage: Stage, command: list[str], image: Any, environment: dict[str, Any], *, shards: int
) -> dict[str, Any]:
    """Without privileges, and large enough for so many shards at a time."""
    needs = {"VCPU": shards * stage.vcpus, "MEMORY": shards * stage.memory_mib, "GPU": shards * stage.gpus}
    return {
        "Image": image,
        "Command": command,
        "User": USER,
        "Privileged": False,
        "ReadonlyRootFilesystem": True,
        "LinuxParameters": {"Tmpfs": [{"ContainerPath": "/tmp", "Size": SCRATCH_MIB}]},
        "ResourceRequirements": [{"Type": kind, "Value": str(count)} for kind, count in needs.items() if count],
        "Environment": [{"Name": key, "Value": value} for key, value in environment.items()],
    }
