"""The feeds as the world writes them: what the demo's configuration takes of each, no more."""

from __future__ import annotations

from importlib import resources

from pipeline.config import Config
from pipeline.sources import SOURCES, Source

_DEMO = Config.parse(resources.files("pipeline.world").joinpath("demo.yaml").read_text(encoding="utf-8"))
FEEDS: dict[str, Source] = {
    name: SOURCES[name].without(settings.without)
    for name, settings in _DEMO.sources.items()
    if SOURCES[name].bucket  # others are made here
}


def lead_step_hours(name: str) -> int | None:
    """Hours between the leads that are taken of the live hour's runs of a feed; None for every lead there is."""
    return _DEMO.sources[name].lead_step_hours
