"""MPAS-Atmosphere's namelists and streams from the description of a run.

Rules of the MPAS-Atmosphere Users' Guide 8, chapter 4: a time step of 6 s a km of the finest spacing, a length scale
of dissipation equal to it, a graph partition for exactly the ranks.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from xml.etree import ElementTree

from pydantic import Field, model_validator

from models.namelists import Namelist, check
from models.namelists_domain import DRIVERS, Run, whole_divisor

SECONDS_PER_KM = 6.0
SMALLEST_BLOCK = 100
"""Cells a rank; with fewer of them the halos outweigh what is computed."""
Mesh = Literal["x1.10242", "x1.40962", "x1.163842", "x1.655362", "x1.2621442", "x4.535554", "x5.6488066"]
FINEST_KM: dict[Mesh, float] = {
    "x1.10242": 240, "x1.40962": 120, "x1.163842": 60, "x1.655362": 30, "x1.2621442": 15, "x4.535554": 15,
    "x5.6488066": 3,
}  # fmt: skip


class MpasRun(Run):
    """A global run on one of the published meshes, evenly spaced (x1) or refined."""

    mesh: Mesh
    suite: Literal["mesoscale_reference", "convection_permitting"] = "mesoscale_reference"
    levels: Annotated[int, Field(ge=26, le=100)] = 55
    boundary: Literal["gfs", "ifs"] = "gfs"

    @model_validator(mode="after")
    def _is_legal(self) -> MpasRun:
        if self.cells // self.ranks < SMALLEST_BLOCK:
            raise ValueError(
                f"expected at most {self.cells // SMALLEST_BLOCK} ranks for {self.mesh}; found {self.ranks}"
            )
        if self.suite == "mesoscale_reference" and FINEST_KM[self.mesh] < 10:
            raise ValueError(f"expected the suite convection_permitting on a mesh as fine as {self.mesh}")
        return self

    @property
    def names(self) -> dict[str, str]:
        """What the table of programs leaves open; a single rank needs no partition."""
        partition = f"{self.mesh}.graph.info.part.{self.ranks}" if self.ranks > 1 else f"{self.mesh}.init.nc"
        return {"mesh": self.mesh, "partition": partition, "vtable": DRIVERS[self.boundary].vtable}

    @property
    def cells(self) -> int:
        """Cells of the mesh."""
        return int(self.mesh.split(".")[1])

    @property
    def time_step(self) -> int:
        """Seconds: the longest that divides five minutes, or an hour on a coarse mesh, and keeps to 6 s a km."""
        longest = SECONDS_PER_KM * FINEST_KM[self.mesh]
        return whole_divisor(longest, 300 if longest < 300 else 3600)


def namelist_atmosphere(run: MpasRun, *, since: datetime | None = None) -> Namelist:
    """For atmosphere_model; `since` is the time of the restart file that a run goes on from."""
    start = since or run.start
    days, hours = divmod(round((run.end - start).total_seconds() / 3600), 24)
    namelist: Namelist = {
        "nhyd_model": {
            "config_dt": float(run.time_step),
            "config_start_time": f"{start:%Y-%m-%d_%H:%M:%S}",
            "config_run_duration": f"{days}_{hours:02d}:00:00",
            "config_split_dynamics_transport": True,
            "config_number_of_sub_steps": 2,
            "config_dynamics_split_steps": 3,
            "config_horiz_mixing": "2d_smagorinsky",
            "config_len_disp": FINEST_KM[run.mesh] * 1000.0,
            "config_visc4_2dsmag": 0.05,
            "config_monotonic": True,
            "config_epssm": 0.1,
            "config_smdiv": 0.1,
        },
        "damping": {"config_zd": 22000.0, "config_xnutr": 0.2},
        "io": {"config_pio_num_iotasks": 0, "config_pio_stride": 1},
        "decomposition": {"config_block_decomp_file_prefix": f"{run.mesh}.graph.info.part."},
        "restart": {"config_do_restart": since is not None},
        "physics": {
            "config_sst_update": False,
            "config_radtlw_interval": "00:30:00",
            "config_radtsw_interval": "00:30:00",
            "config_physics_suite": run.suite,
        },
    }
    check("namelist.atmosphere", namelist)
    return namelist


def streams_atmosphere(run: MpasRun) -> str:
    """The file of streams: mesh in, history, diagnostics and restarts out.

    What an interrupted attempt has left half written is written again.
    """
    minutes = f"{run.history_minutes // 60:02d}:{run.history_minutes % 60:02d}:00"
    root = ElementTree.Element("streams")
    fixed = {"type": "input", "filename_template": f"{run.mesh}.init.nc", "input_interval": "initial_only"}
    ElementTree.SubElement(root, "immutable_stream", {"name": "input", **fixed})
    ElementTree.SubElement(
        root,
        "immutable_stream",
        {
            "name": "restart",
            "type": "input;output",
            "filename_template": "restart.$Y-$M-$D_$h.$m.$s.nc",
            "clobber_mode": "truncate",
            "input_interval": "initial_only",
            "output_interval": f"{run.restart_hours // 24}_{run.restart_hours % 24:02d}:00:00",
        },
    )
    for name, prefix in (("output", "history"), ("diagnostics", "diag")):
        attributes = {"type": "output", "filename_template": f"{prefix}.$Y-$M-$D_$h.$m.$s.nc"}
        attributes |= {"clobber_mode": "truncate", "output_interval": minutes}
        stream = ElementTree.SubElement(root, "stream", {"name": name, **attributes})
        ElementTree.SubElement(stream, "file", {"name": f"stream_list.atmosphere.{name}"})
    return indented(root)


def indented(root: ElementTree.Element) -> str:
    """The text of a file of streams."""
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"
