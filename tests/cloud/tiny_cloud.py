"""The tiny deployment, as one of a local cloud has it: sources and observations in buckets of that cloud."""

from __future__ import annotations

from typing import Any

import yaml

from cdk.local.cloud import LocalCloud
from cdk.local.deployment import Hourcast
from pipeline.sources import SOURCES
from pipeline.store import Store
from tests.tiny_deployment import write_configuration

OPEN_DATA = (SOURCES["gfs"].folder, SOURCES["ifs"].folder, "observations")
WAIT_SECONDS = 300


def settings(cloud: LocalCloud) -> dict[str, Any]:
    """Its forecast.yaml, but for the store."""
    endpoint = {"endpoint": cloud.address}
    tiny = yaml.safe_load(write_configuration(cloud.logs, cloud.logs / "tiny").read_text())
    sources = {name: source | endpoint for name, source in tiny["sources"].items()}
    return tiny | {"observations": endpoint, "tile_rows": 4, "sources": sources}


def bring_in(hourcast: Hourcast, laptop: Store) -> None:
    """What ingest brought before the hour, from a laptop's store; all else is to do."""
    for info in laptop.list("input"):
        hourcast.store.write(info.key, laptop.read(info.key))
