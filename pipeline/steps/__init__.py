"""The stages' I/O shells: each opens, calls science, and writes one aligned region.

A step module has `shards(deployment, hour) -> list[str]`, the same ordered list on every worker, and
`run(deployment, hour, shard) -> None`, which may be repeated: it always leaves the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from pipeline import paths
from pipeline.config import Config, ConfigError
from pipeline.cycle import Cycle
from pipeline.grid import Grid
from pipeline.sources import Source, source_named
from pipeline.store import Store

_EPOCH = Cycle.parse("1970-01-01T00")


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

    @classmethod
    def in_store(cls, url: str) -> Deployment:
        """Open the deployment whose configuration lies in the store itself; ConfigError, StoreError."""
        store = Store.open(url)
        try:
            text = store.read(paths.CONFIGURATION).decode()
        except FileNotFoundError:
            raise ConfigError(
                f"no {paths.CONFIGURATION} in {url}; copy the description of the deployment there"
            ) from None
        config = Config.parse(text)
        if config.store.rstrip("/") != url.rstrip("/"):
            raise ConfigError(f"{url}/{paths.CONFIGURATION}: expected `store: {url}`; found {config.store}")
        return cls(config, store)

    @cached_property
    def grid(self) -> Grid:
        """The target grid."""
        return Grid(self.config.grid_resolution)

    def source(self, name: str) -> Source:
        """A feed with the parameters that the configuration takes from it; ValueError for an unknown one."""
        settings = self.config.sources.get(name)
        return _taken(name, settings.without if settings else ())

    def learning_starts(self, hour: Cycle) -> list[Cycle]:
        """The past month's starts that skill is learnt from at `hour`, oldest first.

        They lie on fixed hours of the day whatever the hour, so that each is learnt once by a run of hours.
        """
        step, learning = self.config.learning.every_hours, self.config.learning
        last = hour - (1 + (round(_EPOCH.lead_hours(hour.init_time)) - 1) % step)
        return [last - back for back in range(0, 24 * learning.days, step)][::-1]


@lru_cache(maxsize=64)
def _taken(name: str, without: tuple[str, ...]) -> Source:
    return source_named(name).without(without)
