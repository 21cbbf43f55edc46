"""The feeds, one file each: `SOURCES` names them all."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from pipeline.config import model_and_domain
from pipeline.sources.base import Role, Source
from pipeline.sources.ecmwf import AIFS, ECMWF_WAM, IFS, IFS_ENS, IFS_OCEAN
from pipeline.sources.fourcastnet import FOURCASTNET
from pipeline.sources.gdps import GDPS
from pipeline.sources.gefs import GEFS, GEFS_MEAN
from pipeline.sources.gfs import GDAS, GFS
from pipeline.sources.gfs_wave import GDAS_WAVE, GFS_WAVE
from pipeline.sources.hrrr import HRRR
from pipeline.sources.icon import ICON
from pipeline.sources.persistence import PERSISTENCE
from pipeline.sources.physics import CORE, MPAS, WRF, WW3


class _Sources(dict[str, Source]):
    """By name; what a physics model makes of a domain, as `wrf-alps`, is a source with a skill of its own."""

    def __missing__(self, name: str) -> Source:
        try:
            model, domain = model_and_domain(name)
        except ValueError:
            raise KeyError(name) from None
        return replace(self[model], name=name, title=f"{self[model].title}: {domain}")


SOURCES = _Sources(
    (source.name, source)
    for source in (
        GFS, GEFS_MEAN, GEFS, IFS, IFS_ENS, AIFS, ICON, GDPS, HRRR, GFS_WAVE, ECMWF_WAM, PERSISTENCE, GDAS, GDAS_WAVE,
        IFS_OCEAN, FOURCASTNET, WRF, MPAS, WW3, CORE,
    )
)  # fmt: skip

__all__ = ["SOURCES", "Role", "Source", "source_named"]


def source_named(name: str) -> Source:
    """The source of that name; ValueError with the nearest names if there is none."""
    try:
        return SOURCES[name]
    except KeyError:
        near = get_close_matches(name, SOURCES, n=3, cutoff=0.4) or list(SOURCES)
        raise ValueError(f"unknown source {name!r}; did you mean {', '.join(near)}?") from None
