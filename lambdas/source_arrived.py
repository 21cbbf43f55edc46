"""A file has come into an open-data bucket: if it ends a run that an hour waits for, ingest that run ahead of the hour.

Takes batches from a queue; only the messages that fail are delivered again, and in the end to the dead-letter queue.
"""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.arrivals import begin_ingest
from lambdas.entry import call, count, logger, metrics, store, tracer
from lambdas.events import Arrival, read
from pipeline import paths
from pipeline.config import Config
from pipeline.sources import SOURCES
from pipeline.sources.newest import ended_by

processor = BatchProcessor(event_type=EventType.SQS)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answer which messages failed."""
    call.set(context)
    return process_partial_response(event, record_handler=take, processor=processor, context=context)


def take(record: SQSRecord) -> None:
    """Start the ingest of every run that the message says is whole; ValueError for a bucket that nobody reads;
    Refused, which is one, too."""
    arrival = read(Arrival, json.loads(record.body))
    config = Config.parse(store().read(paths.CONFIGURATION).decode())
    sources = [SOURCES[name] for name in config.sources]
    for notification in arrival.records:
        bucket, key = notification.stored.bucket.name, notification.stored.object.key
        if bucket not in {source.folder for source in sources}:
            raise ValueError("no source of this deployment is in the bucket")
        count("FilesArrived")
        found = ended_by(sources, bucket, key, notification.time, config.last_lead_hours)
        if found is not None:
            begin_ingest(*found)
