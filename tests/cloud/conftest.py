"""One local cloud for all its tests; each has a deployment of its own in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cdk.local.cloud import CREDENTIALS, LocalCloud, create_public_bucket, running
from cdk.local.deployment import Hourcast, deploy
from pipeline.config import Config
from pipeline.operate import MODULES
from pipeline.runner import run
from pipeline.runner.pool import workers
from pipeline.steps import Deployment
from pipeline.store import Store
from tests.cloud.tiny_cloud import OPEN_DATA, bring_in, settings
from tests.runner.test_runner import Seen
from tests.tiny_deployment import HOUR, write_inputs


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running local cloud."""
    os.environ.update(CREDENTIALS)
    with running(tmp_path_factory.mktemp("cloud")) as cloud:
        for bucket in OPEN_DATA:
            create_public_bucket(cloud, bucket)
        yield cloud


@pytest.fixture(scope="session")
def laptop(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The hour of the same world, made by the local runner into a folder."""
    store = Store.open(f"file://{tmp_path_factory.mktemp('laptop')}")
    deployment = Deployment(Config.model_validate(settings(cloud) | {"store": store.url}), store)
    write_inputs(deployment)
    with workers(2, MODULES) as pool:
        run(deployment, [HOUR], pool, Seen())
    return store


@pytest.fixture
def hourcast(cloud: LocalCloud, request: pytest.FixtureRequest) -> Hourcast:
    """A deployment that nothing has happened to."""
    return deploy(cloud, request.node.name.replace("_", "-")[-50:].strip("-"), settings(cloud))


@pytest.fixture
def on_nodes(cloud: LocalCloud, laptop: Store) -> Hourcast:
    """A deployment in which an hour can be made, whose bands are shared by the nodes of one job."""
    hourcast = deploy(cloud, "on-nodes", settings(cloud), nodes=2)
    bring_in(hourcast, laptop)
    return hourcast


@pytest.fixture
def supplied(hourcast: Hourcast, laptop: Store) -> Hourcast:
    """A deployment in which an hour can be made."""
    bring_in(hourcast, laptop)
    return hourcast
