"""A file has come into an open-data bucket: if it ends a run that an hour waits for, ingest that run ahead of the hour.

Takes batches from a queue; only the messages that fail are delivered again, and in the end to the dead-letter queue.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import idempotent_function
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.entry import client, count, logger, metrics, once, store, tracer
from lambdas.events import Arrival
from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.sources import SOURCES
from pipeline.sources.newest import arrival_key, due_cycles, leads_for

processor = BatchProcessor(event_type=EventType.SQS, model=Arrival)  # type: ignore[arg-type]


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answer which messages failed."""
    return process_partial_response(event, record_handler=take, processor=processor, context=context)


def take(record: Arrival) -> None:
    """Start the ingest of every run that the message says is whole; ValueError for a bucket that nobody reads."""
    config = Config.parse(store().read(paths.CONFIGURATION).decode())
    for notification in record.body.records:
        bucket, key = notification.stored.bucket.name, notification.stored.object.key
        if bucket not in {SOURCES[name].folder for name in config.sources}:
            raise ValueError("no source of this deployment is in the bucket")
        count("FilesArrived")
        found = waiting(config, bucket, key, notification.event_time)
        if found is not None:
            start = idempotent_function(ingest, data_keyword_argument="run", persistence_store=once())
            start(run="{} for {}".format(*found))


def waiting(config: Config, bucket: str, key: str, when: datetime) -> tuple[str, Cycle] | None:
    """The source whose newest run this file ends, and the next hour that the run is due for."""
    following = Cycle(when.replace(minute=0, second=0, microsecond=0)) + 1
    for name in config.sources:
        source = SOURCES[name]
        if source.folder != bucket or source.role in ("analysis", "persistence"):
            continue
        for hour in (following + ahead for ahead in range(int(source.delay_hours) + 1)):
            for cycle in due_cycles(source, hour)[:1]:
                leads = leads_for(source, cycle, hour, config.last_lead_hours)
                if leads and arrival_key(source, cycle, leads[-1]) == key:
                    return name, hour
    return None


def ingest(run: str) -> str:
    """Submit the job that ingests a source for an hour, given as `source for hour`; the job's id."""
    source, hour = run.split(" for ")
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
