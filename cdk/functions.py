"""The functions of a deployment, by what they import, and the stages that run in one; reads nothing heavy."""

from __future__ import annotations

from pipeline.stages import STAGES

STAGE_FUNCTIONS = {"initialise": "prepare_initial_conditions", "publish": "publish"}
"""Stages of one shard that a function runs: a job would wait for a machine, where the hour waits for it alone."""
JOBS = tuple(row for row in STAGES if row.name not in STAGE_FUNCTIONS)
"""The stages whose shards are Batch jobs."""
SHARED = "forecast"
"""The stage of most shards, which the nodes of one job may share."""
LIGHT = ("hourly_trigger", "verify_stage", "notify", "watchdog")
HEAVY = ("plan_shards", "source_arrived", *STAGE_FUNCTIONS.values())
CALLED = ("plan_shards", "verify_stage", "notify", *STAGE_FUNCTIONS.values())
"""By the state machine."""
PROCESSORS = {"x86_64": "x86-64-v3", "arm64": "neoverse-n1"}
"""What functions run on knows at least this, for which `containers/array` holds kernels; Batch's machines know more."""
