"""What init_atmosphere_model and ungrib read for MPAS-Atmosphere, and every file of a stage of its chain.

MPAS-Atmosphere Users' Guide 8, chapters 7 and 8: the static fields first, on one rank, then the state at the start;
then the sea's temperatures, and the boundaries of a region, at every time of the driving model.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from xml.etree import ElementTree

from models import mpas
from models.namelists import Namelist, check, text
from models.namelists_domain import DRIVERS
from models.namelists_mpas import LATERAL, MpasRun, every, indented, namelist_atmosphere, streams_atmosphere

_CASES = {"static": 7, "init": 7, "surface": 8, "lateral": 9}
"""config_init_case of each stage: real data, updates of the sea's surface, lateral boundaries."""
_SOIL_LEVELS = 4
_TOP_M = 30000.0


def texts(run: MpasRun, stage: str, since: datetime, until: datetime) -> Mapping[str, str]:
    """Every namelist, and list of what to write, of a stage."""
    if stage in ("ungrib", "sea"):
        return {"namelist.wps": text(namelist_wps(run, sea=stage == "sea"))}
    if stage in _CASES:
        namelist = namelist_init_atmosphere(run, stage)
        return {
            "namelist.init_atmosphere": text(namelist),
            "streams.init_atmosphere": streams_init_atmosphere(run, stage),
        }
    return {
        "namelist.atmosphere": text(namelist_atmosphere(run, since=since if since > run.start else None)),
        "streams.atmosphere": streams_atmosphere(run),
        "stream_list.atmosphere.output": "xtime\n",
        "stream_list.atmosphere.diagnostics": "\n".join(("xtime", *mpas.VARIABLES, "")),
        **({"stream_list.atmosphere.surface": "sst\n"} if run.sea_updates else {}),
    }


def namelist_wps(run: MpasRun, *, sea: bool = False) -> Namelist:
    """For ungrib, which makes the state at the start, and of a region every later one; or the sea's temperatures."""
    start = f"{run.start:%Y-%m-%d_%H:%M:%S}"
    end = f"{run.end:%Y-%m-%d_%H:%M:%S}" if sea or not run.is_global else start
    hours = DRIVERS[run.boundary].every_hours
    namelist: Namelist = {
        "share": {
            "wrf_core": "ARW", "max_dom": 1, "start_date": start, "end_date": end, "interval_seconds": hours * 3600,
        },
        "ungrib": {"out_format": "WPS", "prefix": "SST" if sea else "FILE"},
    }  # fmt: skip
    check("namelist.wps", namelist)
    return namelist


def namelist_init_atmosphere(run: MpasRun, stage: str) -> Namelist:
    """For init_atmosphere_model: `static` fields, `init` state, `surface` updates or `lateral` boundaries."""
    start, first = f"{run.start:%Y-%m-%d_%H:%M:%S}", stage in ("static", "init")
    driver = DRIVERS[run.boundary]
    namelist: Namelist = {
        "nhyd_model": {
            "config_init_case": _CASES[stage], "config_start_time": start,
            "config_stop_time": start if first else f"{run.end:%Y-%m-%d_%H:%M:%S}",
        },
        "dimensions": {
            "config_nvertlevels": run.levels, "config_nsoillevels": _SOIL_LEVELS, "config_nfglevels": driver.levels,
            "config_nfgsoillevels": driver.soil_levels,
        },
        "data_sources": {
            "config_geog_data_path": "geog/", "config_met_prefix": "FILE", "config_sfc_prefix": "SST",
            "config_fg_interval": driver.every_hours * 3600,
        },
        "vertical_grid": {
            "config_ztop": _TOP_M, "config_tc_vertical_grid": True, "config_blend_bdy_terrain": not run.is_global,
        },
        "preproc_stages": {
            "config_static_interp": stage == "static",
            "config_native_gwd_static": stage == "static",
            "config_vertical_grid": stage == "init",
            "config_met_interp": stage in ("init", "lateral"),
            "config_input_sst": stage == "surface",
            "config_frac_seaice": stage in ("init", "surface"),
        },
        "io": {"config_pio_num_iotasks": 0, "config_pio_stride": 1},
        "decomposition": {"config_block_decomp_file_prefix": f"{run.grid}.graph.info.part."},
    }  # fmt: skip
    check("namelist.init_atmosphere", namelist)
    return namelist


def streams_init_atmosphere(run: MpasRun, stage: str) -> str:
    """The file of streams: from the mesh to the static fields, from these to the state and to the sea's updates, and
    from the state to the boundaries."""
    before = {"static": "grid", "init": "static", "surface": "static", "lateral": "init"}[stage]
    root = ElementTree.Element("streams")
    fixed = {"type": "input", "filename_template": f"{run.grid}.{before}.nc", "input_interval": "initial_only"}
    ElementTree.SubElement(root, "immutable_stream", {"name": "input", **fixed})
    outputs = {
        "surface": ("surface", "sfc_update", f"{run.grid}.sfc_update.nc", "none"),
        "lateral": ("lbc", "lbcs", LATERAL, "output_interval"),
    }
    if stage in outputs:
        name, package, template, interval = outputs[stage]
        attributes = {"filename_template": template, "filename_interval": interval, "output_interval": every(run)}
    else:
        name, package = "output", "initial_conds"
        attributes = {"filename_template": f"{run.grid}.{stage}.nc", "output_interval": "initial_only"}
    attributes |= {"type": "output", "packages": package, "clobber_mode": "truncate"}
    ElementTree.SubElement(root, "immutable_stream", {"name": name, **attributes})
    return indented(root)
