"""One local cloud for all its tests; each has a deployment of its own in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pipeline.operate import MODULES
from pipeline.pool import workers
from pipeline.runner import run
from pipeline.store import Store
from tests.cloud.local_cloud import Hourcast, LocalCloud, bring_in, configure, deploy, running
from tests.test_runner import Seen
from tests.tiny_deployment import HOUR, write_inputs


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running local cloud."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1")
    with running(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def laptop(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The hour of the same world, made by the local runner into a folder."""
    store = Store.open(f"file://{tmp_path_factory.mktemp('laptop')}")
    deployment = configure(cloud, store)
    write_inputs(deployment)
    with workers(2, MODULES) as pool:
        run(deployment, [HOUR], pool, Seen())
    return store


@pytest.fixture
def hourcast(cloud: LocalCloud, request: pytest.FixtureRequest) -> Hourcast:
    """A deployment that nothing has happened to."""
    return deploy(cloud, request.node.name.replace("_", "-")[-50:].strip("-"))


@pytest.fixture
def supplied(hourcast: Hourcast, laptop: Store) -> Hourcast:
    """A deployment in which an hour can be made."""
    bring_in(hourcast, laptop)
    return hourcast
