"""The Lambda service as its runtime sees it: one warm process a function, one event at a time."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cdk.local import clock
from cdk.local.figures import Call

Command = Callable[[str, Mapping[str, str]], list[str]]
"""What runs a handler in the runtime client, told what the service tells it by its environment."""


def process(handler: str, environment: Mapping[str, str]) -> list[str]:
    """A process beside this one, of this installation."""
    return clock.command("awslambdaric", handler)


def introduction(name: str, memory_mib: int) -> dict[str, str]:
    """What the service tells a function of itself."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mib), "AWS_LAMBDA_LOG_GROUP_NAME": "local",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local", "LAMBDA_TASK_ROOT": "/var/task",
    }  # fmt: skip


@dataclass
class _Invocation:
    body: bytes
    deadline: float
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answered: threading.Event = field(default_factory=threading.Event)
    answer: bytes = b""
    failed: bool = False


class LambdaRuntime:
    """Runs a handler in the real runtime client, which asks here for its next event (the Lambda runtime API)."""

    def __init__(
        self,
        handler: str,
        arn: str,
        environment: Mapping[str, str],
        timeout: float,
        log: Path,
        command: Command = process,
    ) -> None:
        self._events: queue.Queue[_Invocation] = queue.Queue()
        self._pending: dict[str, _Invocation] = {}
        self._timeout, self._arn, self._log = timeout, arn, log
        self._one_at_a_time = threading.Lock()
        self.calls: list[Call] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: float | None = None
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._request_handler())
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._handler, self._command = handler, command
        address = f"127.0.0.1:{server.server_port}"
        self._environment = {**environment, "AWS_LAMBDA_RUNTIME_API": address, "_HANDLER": handler}

    def invoke(self, body: bytes) -> tuple[bytes, bool]:
        """The handler's answer, or its error and True; a function over its time is killed, as in the cloud."""
        with self._one_at_a_time:
            known, began = self._process, time.monotonic()
            process = self._running()
            cold = process is not known
            computed = 0.0 if cold else _cpu_seconds(process.pid)
            event = _Invocation(body, time.time() + self._timeout)
            self._pending[event.request_id] = event
            self._events.put(event)
            while not event.answered.wait(0.02):
                if process.poll() is not None:
                    return _error("Runtime.ExitError", f"exit status {process.returncode}")
                if time.time() > event.deadline:
                    process.kill()
                    process.wait()
                    return _error("Sandbox.Timedout", f"Task timed out after {self._timeout} seconds")
            seconds, started = time.monotonic() - began, (self._asked or began) - began if cold else 0.0
            self.calls.append(Call(cold, seconds, _cpu_seconds(process.pid) - computed, started))
            return event.answer, event.failed

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._asked = None
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command(self._handler, self._environment), env=os.environ | self._environment,
                    stdout=log, stderr=log,
                )  # fmt: skip
        return self._process

    def _take(self) -> _Invocation:
        self._asked = self._asked or time.monotonic()
        return self._events.get()

    def _request_handler(self) -> type[BaseHTTPRequestHandler]:
        runtime = self

        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                event = runtime._take()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", event.request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(round(event.deadline * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", runtime._arn)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(event.body)))
                self.end_headers()
                self.wfile.write(event.body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                *_, request_id, what = self.path.split("/")
                event = runtime._pending.pop(request_id, None)
                if event is not None:
                    event.answer, event.failed = body, what == "error"
                    event.answered.set()
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

        return Requests


def _cpu_seconds(pid: int | str) -> float:
    """Seconds that a running process has computed, and those that it has started: a container's is one of these."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    started = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")).split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(map(_cpu_seconds, started))


def _error(kind: str, message: str) -> tuple[bytes, bool]:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode(), True
