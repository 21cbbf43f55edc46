"""What every function does beside its task: log, trace, count, and refuse an event that is not as it must be.

What only some calls need is imported in these calls: a function that has been idle answers sooner.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.events import Event, read
from pipeline.store import Store

logger = Logger(service="hourcast")
tracer = Tracer(service="hourcast", auto_patch=False)
metrics = Metrics(namespace="Hourcast", service="hourcast")

Handler = Callable[[Any, LambdaContext], Any]
call: ContextVar[LambdaContext | None] = ContextVar("call", default=None)
"""The call that is being answered."""


def entry(model: type[Event]) -> Callable[[Callable[[Event], Any]], Handler]:
    """Make a Lambda handler of a function of a validated event; Refused for any other.

    Neither event nor answer is logged or traced: they may be anybody's.
    """

    def decorate(function: Callable[[Event], Any]) -> Handler:
        def handler(event: Any, context: LambdaContext) -> Any:
            call.set(context)
            return function(read(model, event))

        handler.__doc__ = function.__doc__
        logged = logger.inject_lambda_context(handler, clear_state=True)
        return metrics.log_metrics(tracer.capture_lambda_handler(logged, capture_response=False))

    return decorate


def count(name: str, value: float = 1) -> None:
    """Add to a metric, published in the embedded metric format."""
    metrics.add_metric(name, MetricUnit.Count, value)


def count_of(name: str, kind: str, which: str, value: float) -> None:
    """Add to a metric of one of a kind, such as a stage."""
    with single_metric(name, MetricUnit.Count, value, namespace="Hourcast", default_dimensions={kind: which}) as metric:
        metric.add_dimension("service", "hourcast")


@cache
def store() -> Store:
    """The deployment's store."""
    return Store.open(os.environ["HOURCAST_STORE"])


def once(function: Callable[..., Any], key: str) -> Callable[..., Any]:
    """The function, done once for the same value of its argument `key`, however often and by how many called.

    What a call that was cut off had begun is begun again after the time that the call had left.
    """
    from aws_lambda_powertools.utilities import idempotency

    layer = idempotency.DynamoDBPersistenceLayer(os.environ["IDEMPOTENCY_TABLE"], boto3_client=client("dynamodb"))
    config = idempotency.IdempotencyConfig(lambda_context=call.get())
    return idempotency.idempotent_function(function, data_keyword_argument=key, persistence_store=layer, config=config)


@cache
def client(service: str) -> Any:
    """A client of an AWS service, from the environment; its calls are traced."""
    from lambdas import clients

    tracer.patch(["botocore"])
    return clients.client(service)


def prepare(*services: str) -> None:
    """Make these clients as the function starts, when it has a whole core, and not at its first event."""
    for service in services:
        client(service)
