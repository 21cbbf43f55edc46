"""What can be made to go wrong in the local cloud, by asking its server."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cdk.local import batch_jobs, clock
from cdk.local.figures import Wsgi, is_about_an_object

FAULTS = "/local-cloud/faults"


@dataclass
class Trouble:
    """What goes wrong from now on; numbers but the first two count how many of the next suffer it.

    slow_down: the share of object requests that S3 answers with 503. clock_seconds: how far the clocks of functions and
    jobs that begin are ahead. full_disk, little_memory: the stage whose jobs, in their first attempt, find no room for
    scratch files, or too little memory. republished: `bucket/key` of an object that is replaced by the one beside it,
    with `.next` at its end, just before a part of it is read next. stalled: object requests that get no answer for
    `stall_seconds`. lost: objects that are written, and the writer is not told. throttled: calls of functions that are
    refused. unheard: calls that are made, and the caller is not told. killed: attempts of jobs, running or the next,
    that die in the middle. vanished: jobs, or children of an array, that fail without having run.
    """

    slow_down: float = 0
    clock_seconds: float = 0
    full_disk: str = ""
    little_memory: str = ""
    republished: str = ""
    stalled: int = 0
    stall_seconds: float = 0
    lost: int = 0
    throttled: int = 0
    unheard: int = 0
    killed: int = 0
    vanished: int = 0


class Faults:
    """The server's front: lets requests pass, or suffer the trouble that was asked for last."""

    def __init__(self, application: Wsgi) -> None:
        self._application, self._random, self._lock = application, random.Random(1), threading.Lock()
        self._trouble = Trouble()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == FAULTS:
            self._trouble = Trouble(**json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
            clock.set_off(self._trouble.clock_seconds)
            batch_jobs.let_fail(killed=self._trouble.killed, vanished=self._trouble.vanished)
            batch_jobs.let_lack(disk=self._trouble.full_disk, memory=self._trouble.little_memory)
            start("204 NO CONTENT", [])
            return []
        if is_about_an_object(environ):
            return self._object(environ, start)
        if environ["PATH_INFO"].endswith("/invocations"):
            return self._call(environ, start)
        return self._application(environ, start)

    def _object(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if self._random.random() < self._trouble.slow_down:
            start("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"]
        if self._suffers("stalled"):
            time.sleep(self._trouble.stall_seconds)
        if "HTTP_IF_MATCH" in environ and environ["PATH_INFO"] == f"/{self._trouble.republished}":
            self._republish(environ)
        if environ["REQUEST_METHOD"] == "PUT" and self._suffers("lost"):
            return self._unheard(environ, start)
        return self._application(environ, start)

    def _republish(self, environ: dict[str, Any]) -> None:
        self._trouble.republished = ""
        kept = {key: value for key, value in environ.items() if key not in ("HTTP_IF_MATCH", "HTTP_RANGE")}
        copy = {"REQUEST_METHOD": "PUT", "HTTP_X_AMZ_COPY_SOURCE": f"{environ['PATH_INFO']}.next"}
        list(self._application(kept | copy, lambda *_: None))

    def _call(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if self._suffers("throttled"):
            start("429 Too Many Requests", [("x-amzn-ErrorType", "TooManyRequestsException")])
            return [b'{"message": "Rate exceeded"}']
        if self._suffers("unheard"):
            return self._unheard(environ, start)
        return self._application(environ, start)

    def _unheard(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Do what is asked, and answer that it failed."""
        list(self._application(environ, lambda *_: None))
        start("500 Internal Server Error", [("x-amzn-ErrorType", "ServiceException")])
        return [b'{"message": "Internal error"}']

    def _suffers(self, kind: str) -> bool:
        with self._lock:
            left = getattr(self._trouble, kind)
            setattr(self._trouble, kind, max(0, left - 1))
            return bool(left)
