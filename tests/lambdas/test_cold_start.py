"""Light functions import nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cdk.functions import LIGHT

HEAVY = {"numpy", "pandas", "xarray", "zarr", "eccodes", "numba", "dask", "scipy", "typer"}
WHEN_CALLED = {"boto3", "botocore.session"}


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_function_imports_nothing_heavy(name: str) -> None:
    program = f"import lambdas.{name}, sys; print(*sorted(sys.modules))"
    environment = os.environ | {"AWS_DEFAULT_REGION": "us-east-1", "LAMBDA_TASK_ROOT": "/opt/functions"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert (HEAVY | WHEN_CALLED).isdisjoint(done.stdout.split())
