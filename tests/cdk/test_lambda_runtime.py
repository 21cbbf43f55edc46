"""The local Lambda runs handlers in the real runtime client, and kills one that is over its time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cdk.local.lambda_runtime import LambdaRuntime

HANDLER = """
import os, time
def handler(event, context):
    if event["what"] == "hang": time.sleep(60)
    if event["what"] == "die": os._exit(3)
    if event["what"] == "raise": raise ValueError("expected rain")
    return {"pid": os.getpid(), "name": context.function_name}
"""
SECONDS = 3.0


@pytest.fixture
def call(tmp_path: Path) -> Callable[[str], tuple[Any, bool]]:
    (tmp_path / "toy.py").write_text(HANDLER)
    environment = {"PYTHONPATH": str(tmp_path), "AWS_LAMBDA_FUNCTION_NAME": "toy"}
    runtime = LambdaRuntime("toy.handler", "arn:toy", environment, SECONDS, tmp_path / "log")

    def call(what: str) -> tuple[Any, bool]:
        answer, failed = runtime.invoke(json.dumps({"what": what}).encode())
        return json.loads(answer), failed

    return call


def test_calls_of_a_new_process_are_told_from_others(tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(HANDLER)
    runtime = LambdaRuntime("toy.handler", "arn:toy", {"PYTHONPATH": str(tmp_path)}, SECONDS, tmp_path / "log")
    for what in ("answer", "answer", "die", "answer"):
        runtime.invoke(json.dumps({"what": what}).encode())
    assert [call.cold for call in runtime.calls] == [True, False, True]
    assert runtime.calls[0].cpu_seconds > runtime.calls[1].cpu_seconds, "it has imported its runtime"
    assert all(0 <= call.cpu_seconds <= call.seconds + 0.1 for call in runtime.calls)
    assert [0 < call.start_seconds < call.seconds for call in runtime.calls] == [True, False, True]


def test_a_warm_function_is_one_process_until_it_hangs_or_dies(call: Callable[[str], tuple[Any, bool]]) -> None:
    first, failed = call("answer")
    assert (first["name"], failed) == ("toy", False)
    assert call("answer") == (first, False)
    error, failed = call("raise")
    assert (error["errorType"], error["errorMessage"], failed) == ("ValueError", "expected rain", True)
    for what, kind in (("hang", "Sandbox.Timedout"), ("die", "Runtime.ExitError")):
        error, failed = call(what)
        assert (error["errorType"], failed) == (kind, True)
        after, failed = call("answer")
        assert not failed
        assert after["pid"] != first["pid"], "the next call has a new process"
