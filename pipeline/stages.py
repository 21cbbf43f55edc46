"""THE table of stages: what runs, after what, split how, on what machine. Plain data, imports nothing heavy.

The local runner, the cloud's state machine and the documentation all read it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One row: a step module and what one of its shards needs.

    `module` has `shards` and `run` (see `pipeline.steps`); `needs` are the stages that must be finished before;
    `shard_rule` says in words what one shard is; `memory_mib`, `vcpus` and `gpus` are for one shard at production
    size (0.25 degrees, 361 leads); `timeout_seconds` is for one attempt and `retries` are the attempts after it.
    """

    name: str
    module: str
    needs: tuple[str, ...]
    shard_rule: str
    image: str
    vcpus: int
    memory_mib: int
    gpus: int
    timeout_seconds: int
    retries: int


STAGES: tuple[Stage, ...] = (
    Stage("ingest", "pipeline.steps.ingest", (), "one source", "array", 2, 8192, 0, 900, 2),
    Stage("initialise", "pipeline.initial_conditions", (), "one model run here", "array", 1, 4096, 0, 600, 2),
    Stage("integrate", "pipeline.steps.integrate", ("initialise",), "some members", "gpu", 4, 30720, 1, 900, 3),
    Stage("gather", "pipeline.steps.gather", ("integrate",), "one model run here", "array", 2, 8192, 0, 600, 2),
    Stage("observe", "pipeline.steps.observe", (), "the whole hour", "array", 1, 2048, 0, 300, 2),
    Stage("learn", "pipeline.steps.learn", ("ingest", "gather"), "one parameter", "array", 2, 8192, 0, 900, 2),
    Stage("collate", "pipeline.steps.collate", ("learn",), "the whole hour", "array", 1, 4096, 0, 600, 2),
    Stage("ramp", "pipeline.steps.ramp", ("observe", "learn"), "one observed parameter", "array", 2, 4096, 0, 300, 2),
    Stage("forecast", "pipeline.steps.forecast", ("ramp",), "one band of latitudes", "array", 2, 8192, 0, 900, 2),
    Stage("tracks", "pipeline.steps.tracks", ("ingest", "gather"), "one ensemble", "array", 1, 4096, 0, 600, 2),
    Stage("validate", "pipeline.steps.validate", ("forecast",), "one band of latitudes", "array", 2, 4096, 0, 600, 2),
    Stage(
        "publish", "pipeline.steps.publish", ("validate", "tracks", "collate"), "the whole hour", "array", 1, 4096, 0,
        600, 2,
    ),
    Stage(
        "export", "pipeline.steps.export", ("publish",), "one customer's leads of a day", "array", 1, 8192, 0, 900, 2
    ),
    Stage("nests", "pipeline.steps.nests", ("publish",), "the whole hour", "array", 1, 4096, 0, 300, 2),
    Stage("verify", "pipeline.steps.verify", ("publish",), "one earlier hour", "array", 2, 4096, 0, 900, 2),
)  # fmt: skip

PUBLICATION = "publish"
BUDGET_SECONDS = 25 * 60
"""From the start of an hour to its publication."""
SUPPLIERS = frozenset({"ingest", "initialise", "integrate", "gather", "observe", "ramp", "tracks"})
"""Stages that an hour is published without, flagged as degraded: it uses what of them is in the store."""


def needed(stages: tuple[Stage, ...] = STAGES) -> frozenset[str]:
    """The stages without which no hour is published, itself among them."""
    before, rows = {PUBLICATION}, {row.name: row for row in stages}
    for row in reversed(stages):
        if row.name in before:
            before |= set(rows[row.name].needs)
    return frozenset(before) - SUPPLIERS


def stage(name: str) -> Stage:
    """The row of `name`; KeyError with the names there are."""
    for row in STAGES:
        if row.name == name:
            return row
    raise KeyError(f"unknown stage {name!r}; the stages are {', '.join(row.name for row in STAGES)}")
