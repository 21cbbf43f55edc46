"""The Batch job of a stage, as CloudFormation properties, from the table of stages: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.stages import Stage

_STAGE_OF_HOUR = ["--cycle", "Ref::hour", "--stage", "Ref::stage"]
COMMAND = ["hourcast", "shard", *_STAGE_OF_HOUR]
NODES_COMMAND = ["hourcast", "nodes", *_STAGE_OF_HOUR, "--workers", "Ref::workers"]
MAY_PASS = "75"
"""Exit code of a worker whose failure may pass; see `pipeline.runner.worker.Exit`."""
SCRATCH_MIB = 1024
YIELDED_MINUTES = 50
"""After which a job of the background begins nothing more, and waits again behind what has come meanwhile."""
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


@dataclass(frozen=True)
class Background:
    """A job that is submitted by hand: no stage of an hour, with a row as theirs, and what it runs."""

    row: Stage
    command: tuple[str, ...]


# The image with torch, whose sums training makes on a processor's one core. An hour takes as many processes as a node
# of the blend has, with what the table gives a band each.
BACKGROUND_JOBS = (
    Background(
        Stage("train", "", (), "a run", "gpu", 2, 16384, 0, 3600, 9),
        ("hourcast", "train", "Ref::data", "--out", "/tmp/training", "--keep", "Ref::keep"),
    ),
    Background(
        Stage("rerun", "", (), "an hour", "array", 14, 57344, 0, 4500, 9),
        ("hourcast", "rerun", "--cycle", "Ref::hour", "--workers", "7"),
    ),
)


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


def background_definition(work: Background, *, name: str, image: Any, environment: dict[str, Any]) -> dict[str, Any]:
    """A job for the background lane: part of a long work, of which all that it goes on from is in the store.

    It ends as one that may pass until all is done, so that it yields its machine and goes on as often as Batch repeats.
    """
    command = [*work.command, "--minutes", str(YIELDED_MINUTES)]
    return {
        **_common(work.row, name),
        "Type": "container",
        "SchedulingPriority": 1,
        "ContainerProperties": _container(work.row, command, image, environment, shards=1),
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
