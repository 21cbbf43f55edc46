"""What init_atmosphere_model and ungrib read for MPAS-Atmosphere, and every file of a stage of its chain.

MPAS-Atmosphere Users' Guide 8, chapter 7: the static fields first, on one rank, then the state at the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from xml.etree import ElementTree

from models import mpas
from models.namelists import Namelist, check, text
from models.namelists_domain import DRIVERS
from models.namelists_mpas import MpasRun, indented, namelist_atmosphere, streams_atmosphere

_REAL_DATA = 7  # config_init_case
_SOIL_LEVELS = 4
_TOP_M = 30000.0


def texts(run: MpasRun, stage: str, since: datetime, until: datetime) -> Mapping[str, str]:
    """Every namelist, and list of what to write, of a stage."""
    if stage == "ungrib":
        return {"namelist.wps": text(namelist_wps(run))}
    if stage in ("static", "init"):
        streams = streams_init_atmosphere(run, static=stage == "static")
        namelist = namelist_init_atmosphere(run, static=stage == "static")
        return {"namelist.init_atmosphere": text(namelist), "streams.init_atmosphere": streams}
    return {
        "namelist.atmosphere": text(namelist_atmosphere(run, since=since if since > run.start else None)),
        "streams.atmosphere": streams_atmosphere(run),
        "stream_list.atmosphere.output": "xtime\n",
        "stream_list.atmosphere.diagnostics": "\n".join(("xtime", *mpas.VARIABLES, "")),
    }


def namelist_wps(run: MpasRun) -> Namelist:
    """For ungrib, which is given the state at the start alone: a global model has no boundary."""
    start = f"{run.start:%Y-%m-%d_%H:%M:%S}"
    hours = DRIVERS[run.boundary].every_hours
    namelist: Namelist = {
        "share": {
            "wrf_core": "ARW", "max_dom": 1, "start_date": start, "end_date": start, "interval_seconds": hours * 3600,
        },
        "ungrib": {"out_format": "WPS", "prefix": "FILE"},
    }  # fmt: skip
    check("namelist.wps", namelist)
    return namelist


def namelist_init_atmosphere(run: MpasRun, *, static: bool) -> Namelist:
    """For init_atmosphere_model: the `static` fields, or all that needs the state at the start."""
    start = f"{run.start:%Y-%m-%d_%H:%M:%S}"
    namelist: Namelist = {
        "nhyd_model": {"config_init_case": _REAL_DATA, "config_start_time": start, "config_stop_time": start},
        "dimensions": {
            "config_nvertlevels": run.levels,
            "config_nsoillevels": _SOIL_LEVELS,
            "config_nfglevels": DRIVERS[run.boundary].levels,
            "config_nfgsoillevels": DRIVERS[run.boundary].soil_levels,
        },
        "data_sources": {"config_geog_data_path": "geog/", "config_met_prefix": "FILE"},
        "vertical_grid": {"config_ztop": _TOP_M, "config_tc_vertical_grid": True},
        "preproc_stages": {
            "config_static_interp": static,
            "config_native_gwd_static": static,
            "config_vertical_grid": not static,
            "config_met_interp": not static,
            "config_input_sst": False,
            "config_frac_seaice": not static,
        },
        "io": {"config_pio_num_iotasks": 0, "config_pio_stride": 1},
        "decomposition": {"config_block_decomp_file_prefix": f"{run.mesh}.graph.info.part."},
    }
    check("namelist.init_atmosphere", namelist)
    return namelist


def streams_init_atmosphere(run: MpasRun, *, static: bool) -> str:
    """The file of streams: from the mesh to the static fields, or from these to the state."""
    before, after = ("grid", "static") if static else ("static", "init")
    root = ElementTree.Element("streams")
    for name, part in (("input", before), ("output", after)):
        attributes = {
            "name": name, "type": name, "filename_template": f"{run.mesh}.{part}.nc",
            f"{name}_interval": "initial_only",
        }  # fmt: skip
        if name == "output":
            attributes |= {"packages": "initial_conds", "clobber_mode": "truncate"}
        ElementTree.SubElement(root, "immutable_stream", attributes)
    return indented(root)
