"""The feeds, one file each: `SOURCES` names them all."""

from __future__ import annotations

from difflib import get_close_matches

from pipeline.sources.base import Source
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

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        GFS, GEFS_MEAN, GEFS, IFS, IFS_ENS, AIFS, ICON, GDPS, HRRR, GFS_WAVE, ECMWF_WAM, PERSISTENCE, GDAS, GDAS_WAVE,
        IFS_OCEAN, FOURCASTNET, WRF, MPAS, WW3, CORE,
    )
}  # fmt: skip

__all__ = ["SOURCES", "Source", "source_named"]


def source_named(name: str) -> Source:
    """The source of that name; ValueError with the nearest names if there is none."""
    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, n=3, cutoff=0.4) or list(SOURCES)
        raise ValueError(f"unknown source {name!r}; did you mean {', '.join(near)}?")
    return SOURCES[name]
