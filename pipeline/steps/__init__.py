"""The stages' I/O shells: each opens, calls science, and writes one aligned region.

A step module has `shards(deployment, hour) -> list[str]`, the same ordered list on every worker, and
`run(deployment, hour, shard) -> None`, which may be repeated: it always leaves the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.config import Config
from pipeline.grid import Grid
from pipeline.store import Store


@dataclass(frozen=True)
class Deployment:
    """A configuration and the store it names, as every step needs them."""

    config: Config
    store: Store

    @classmethod
    def open(cls, config: Config | Path | str) -> Deployment:
        """Open the deployment of a configuration or of the file that holds it; ConfigError, StoreError."""
        if not isinstance(config, Config):
            config = Config.read(config)
        return cls(config, Store.open(config.store))

    @cached_property
    def grid(self) -> Grid:
        """The target grid."""
        return Grid(self.config.grid_resolution)
