"""Ingest a run ahead of the hour that waits for it, once."""

from __future__ import annotations

import os

from lambdas.entry import client, count, once
from pipeline.cycle import Cycle


def begin_ingest(source: str, hour: Cycle) -> None:
    """Submit the job that ingests a source for an hour, once, however often and by how many called."""
    once(_submit, "run")(run=f"{source} for {hour}", source=source, hour=str(hour))


def _submit(run: str, source: str, hour: str) -> str:
    command = ["hourcast", "shard", "--cycle", hour, "--stage", "ingest", "--name", source]
    job = client("batch").submit_job(
        jobName=f"{hour}-ingest-{source}",
        jobQueue=os.environ["INGEST_JOB_QUEUE"],
        jobDefinition=os.environ["INGEST_JOB_DEFINITION"],
        shareIdentifier="production",
        containerOverrides={"command": command},
    )
    count("RunsIngestedAhead")
    return str(job["jobId"])
