"""What is traced, logged and answered of an event that is refused holds nothing of what was sent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

pytest.importorskip("aws_xray_sdk")

SECRET = "canary-7d1f"
REFUSED = f"""
import lambdas.{{0}} as function
from types import SimpleNamespace
context = SimpleNamespace(function_name="f", memory_limit_in_mb=1, invoked_function_arn="a", aws_request_id="r")
try:
    function.handler({{1}}, context)
except Exception as error:
    assert "{SECRET}" not in str(error)
else:
    raise SystemExit("was not refused")
"""
EVENTS = {
    "watchdog": {"time": SECRET},
    "verify_stage": {"hour": "20260131T06Z", "stage": SECRET},
    "notify": {"hour": SECRET, SECRET: 1},
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_is_refused_is_not_traced(name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        environment = os.environ | {
            "AWS_DEFAULT_REGION": "us-east-1", "LAMBDA_TASK_ROOT": "/opt/functions", "POWERTOOLS_TRACE_DISABLED": "0",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
            "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        }  # fmt: skip
        program = REFUSED.format(name, EVENTS[name])
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        sent = daemon.recv(65536).decode()
    assert done.returncode == 0, done.stderr
    assert "Refused" in sent, "the error itself is traced"
    assert SECRET not in sent + done.stdout + done.stderr
