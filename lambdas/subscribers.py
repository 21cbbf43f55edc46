"""Tell who has subscribed to the deployment's topic, once."""

from __future__ import annotations

import json
import os
from typing import Any

from lambdas.entry import client, once


def tell(message: dict[str, Any]) -> dict[str, Any]:
    """Publish to the topic, once for the same hour and outcome, however often called."""
    told: dict[str, Any] = once(_send, "key")(key=f"{message['hour']} {message['outcome']}", message=message)
    return told


def _send(key: str, message: dict[str, Any]) -> dict[str, Any]:
    subject = f"Hourcast {key}"
    client("sns").publish(TopicArn=os.environ["TOPIC_ARN"], Subject=subject, Message=json.dumps(message))
    return message
