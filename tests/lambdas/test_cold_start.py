"""Light functions import nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cdk.functions import LIGHT

HEAVY = {"numpy", "pandas", "xarray", "zarr", "eccodes", "numba", "dask", "scipy", "typer", "pydantic", "asyncio"}
WHEN_CALLED = {name: {"boto3", "botocore.session"} for name in ("verify_stage", "watchdog")}
"""The others ask a service at every call, so that clients are made as they start; none looks for what else there is."""


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_function_imports_nothing_heavy(name: str) -> None:
    program = f"import lambdas.{name}, sys; print(*sorted(sys.modules))"
    environment = os.environ | {"AWS_DEFAULT_REGION": "us-east-1", "LAMBDA_TASK_ROOT": "/opt/functions"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert (HEAVY | WHEN_CALLED.get(name, set())).isdisjoint(done.stdout.split())
