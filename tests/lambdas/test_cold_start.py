"""Light functions import nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LIGHT = ("hourly_trigger", "verify_stage", "notify", "watchdog")
HEAVY = {"numpy", "pandas", "xarray", "zarr", "eccodes", "numba", "dask", "scipy", "typer"}


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_function_imports_nothing_heavy(name: str) -> None:
    program = f"import lambdas.{name}, sys; print(*sorted(sys.modules))"
    environment = os.environ | {"AWS_DEFAULT_REGION": "us-east-1", "POWERTOOLS_TRACE_DISABLED": "true"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert HEAVY.isdisjoint(done.stdout.split())
