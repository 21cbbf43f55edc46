"""What is told of an hour in the local cloud."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

from cdk.local.figures import FIGURES, Call, Figures, report, transitions


def answers(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [])
    return [b"12", b"345"]


def ask(front: Figures, method: str, path: str, body: bytes = b"", service: str = "s3") -> bytes:
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Credential=test/20260131/us-east-1/{service}/aws4_request",
    }  # fmt: skip
    return b"".join(front(environ, lambda *_: None))


def test_requests_for_objects_and_their_bytes_are_counted_and_no_others() -> None:
    front = Figures(answers, {"trigger": [Call(True, 0.5, 0.4), Call(False, 0.1, 0.05), Call(False, 0.3, 0.05)]})
    assert ask(front, "GET", "/bucket/key") == b"12345"
    ask(front, "PUT", "/bucket/key", b"1234567")
    ask(front, "HEAD", "/bucket/key")
    ask(front, "PUT", "/bucket")
    ask(front, "POST", "/some/thing", b"123", service="dynamodb")
    found = json.loads(ask(front, "GET", FIGURES))
    assert found["objects"] == {"read": 2, "write": 1, "bytes_sent": 7, "bytes_answered": 15}
    said = report(found, 97)
    assert said.splitlines()[1].split() == ["trigger", "3", "0.50", "(0.40)", "0.20", "(0.05)"]
    assert "2 requests read and 1 wrote objects" in said
    assert "97 states" in said


def test_a_transition_is_a_state_that_is_entered() -> None:
    events = ["ExecutionStarted", "ParallelStateEntered", "TaskStateEntered", "TaskStateExited", "SucceedStateEntered"]
    assert transitions({"type": name} for name in events) == 3
