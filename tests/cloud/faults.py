"""What can be made to go wrong in the local cloud, by asking its server."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

from tests.cloud.batch_jobs import kill_next

FAULTS = "/local-cloud/faults"
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Faults:
    """What goes wrong: `slow_down` is the share of object requests that S3 answers with 503, `kill` jobs are killed."""

    def __init__(self, application: Wsgi) -> None:
        self._application, self._slow_down, self._random = application, 0.0, random.Random(1)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == FAULTS:
            asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            self._slow_down = asked["slow_down"]
            kill_next(asked["kill"])
            start("204 NO CONTENT", [])
            return []
        is_s3 = "/s3/" in environ.get("HTTP_AUTHORIZATION", "") or "HTTP_AUTHORIZATION" not in environ
        if is_s3 and environ["PATH_INFO"].count("/") > 1 and self._random.random() < self._slow_down:
            start("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"]
        return self._application(environ, start)
