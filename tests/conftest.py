"""Fixtures that every test folder uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Tests run in as many processes as there are cores: threads of the kernels and of linear algebra beside them would only
# wait for each other.
os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("NUMBA", "OMP", "OPENBLAS", "MKL")})

import pytest
from hypothesis import settings

from tests import slurm_cluster

ROOT = Path(__file__).resolve().parents[1]

# A busy machine and a kernel's first compilation are no failure: speed is the benchmark's business. The same examples
# every time: a change is not judged by luck.
settings.register_profile("hourcast", deadline=None, derandomize=True)
settings.load_profile("hourcast")


# Those that take long, and those that wait for Slurm: begun first, the other processes have time to take over what else
# there is, and none of them starts a second Slurm at the end. Slurm's long jobs have ended when test_slurm asks.
FIRST = (
    "physics/test_physics_core.py",
    "physics/test_physics.py",
    "physics/test_physics_domains.py",
    "slurm/test_slurm.py",
    "runner/test_kill.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, all else in its order."""
    places = {ROOT / "tests" / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(FIRST)))


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real files: `HOURCAST_REALDATA`, else `../shared/realdata`; skips where there is none."""
    folder = Path(os.environ.get("HOURCAST_REALDATA", ROOT.parent / "shared" / "realdata"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set HOURCAST_REALDATA to their folder")
    return folder


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm of five virtual nodes whose jobs run this working tree; skips where none can be started."""
    if reason := slurm_cluster.missing():
        pytest.skip(reason)
    os.environ["PYTHONPATH"] = str(ROOT)
    with slurm_cluster.cluster(tmp_path_factory.mktemp("slurm")):
        yield


@pytest.fixture(scope="session")
def long_jobs(slurm: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """The jobs of `slurm_cluster.long_jobs`, which pass while the other tests run: asked for early and awaited late."""
    with slurm_cluster.long_jobs(tmp_path_factory.mktemp("long-jobs")) as jobs:
        yield jobs
