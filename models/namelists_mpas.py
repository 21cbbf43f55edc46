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
from models.namelists_domain import DRIVERS, Positive, Run, check_driver, check_sea, whole_divisor

SECONDS_PER_KM = 6.0
LATERAL = "lbc.$Y-$M-$D_$h.$m.$s.nc"
"""Files of lateral boundaries."""
SMALLEST_BLOCK = 100
"""Cells a rank; with fewer of them the halos outweigh what is computed."""
Mesh = Literal["x1.10242", "x1.40962", "x1.163842", "x1.655362", "x1.2621442", "x4.535554", "x5.6488066"]
FINEST_KM: dict[Mesh, float] = {
    "x1.10242": 240, "x1.40962": 120, "x1.163842": 60, "x1.655362": 30, "x1.2621442": 15, "x4.535554": 15,
    "x5.6488066": 3,
}  # fmt: skip


class MpasRun(Run):
    """A run on one of the published meshes, evenly spaced (x1) or refined, or on a region of so many cells cut from it.

    `region`: the name of the region's files as MPAS-Limited-Area cuts them: static fields and partitions of the graph.
    `sea_updates`: the sea's temperature follows the driving model instead of staying as it was at the start.
    """

    mesh: Mesh
    suite: Literal["mesoscale_reference", "convection_permitting"] = "mesoscale_reference"
    levels: Annotated[int, Field(ge=26, le=100)] = 55
    boundary: Literal["gfs", "ifs"] = "gfs"
    region: Annotated[str, Field(pattern=r"^[A-Za-z][\w.-]*$")] | None = None
    region_cells: Positive | None = None
    sea_updates: bool = False

    @model_validator(mode="after")
    def _is_legal(self) -> MpasRun:
        if (self.region is None) != (self.region_cells is None):
            raise ValueError("expected a region together with its region_cells; found one of the two")
        if self.is_driven:
            check_driver(self.boundary, self.hours)
        if self.sea_updates:
            check_sea(self.boundary)
        if self.cells // self.ranks < SMALLEST_BLOCK:
            raise ValueError(
                f"expected at most {self.cells // SMALLEST_BLOCK} ranks for {self.grid}; found {self.ranks}"
            )
        if self.suite == "mesoscale_reference" and FINEST_KM[self.mesh] < 10:
            raise ValueError(f"expected the suite convection_permitting on a mesh as fine as {self.mesh}")
        return self

    @property
    def names(self) -> dict[str, str]:
        """What the table of programs leaves open; a single rank needs no partition."""
        partition = f"{self.grid}.graph.info.part.{self.ranks}" if self.ranks > 1 else f"{self.grid}.init.nc"
        driver = DRIVERS[self.boundary]
        return {
            "mesh": self.grid, "partition": partition, "vtable": driver.vtable, "sea_vtable": driver.sea_vtable,
        }  # fmt: skip

    @property
    def grid(self) -> str:
        """What the run's files are called by: the region's name, or the mesh's."""
        return self.region or self.mesh

    @property
    def is_global(self) -> bool:
        """Whether nothing drives it at lateral boundaries."""
        return self.region is None

    @property
    def is_driven(self) -> bool:
        """Whether it needs its driving model beyond the start."""
        return self.sea_updates or not self.is_global

    @property
    def cells(self) -> int:
        """Cells of the mesh or of the region."""
        return self.region_cells or int(self.mesh.split(".")[1])

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
        "limited_area": {"config_apply_lbcs": not run.is_global},
        "decomposition": {"config_block_decomp_file_prefix": f"{run.grid}.graph.info.part."},
        "restart": {"config_do_restart": since is not None},
        "physics": {
            "config_sst_update": run.sea_updates,
            "config_radtlw_interval": "00:30:00",
            "config_radtsw_interval": "00:30:00",
            "config_physics_suite": run.suite,
        },
    }
    check("namelist.atmosphere", namelist)
    return namelist


def streams_atmosphere(run: MpasRun) -> str:
    """The file of streams: mesh and boundaries in, history, diagnostics and restarts out.

    What an interrupted attempt has left half written is written again.
    """
    minutes = f"{run.history_minutes // 60:02d}:{run.history_minutes % 60:02d}:00"
    root = ElementTree.Element("streams")
    fixed = {"type": "input", "filename_template": f"{run.grid}.init.nc", "input_interval": "initial_only"}
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
    if run.sea_updates:
        attributes = {"type": "input", "filename_template": f"{run.grid}.sfc_update.nc", "filename_interval": "none"}
        stream = ElementTree.SubElement(root, "stream", {"name": "surface", **attributes, "input_interval": every(run)})
        ElementTree.SubElement(stream, "file", {"name": "stream_list.atmosphere.surface"})
    if not run.is_global:
        attributes = {"type": "input", "filename_template": LATERAL, "filename_interval": "input_interval"}
        attributes |= {"packages": "limited_area", "input_interval": every(run)}
        ElementTree.SubElement(root, "immutable_stream", {"name": "lbc_in", **attributes})
    return indented(root)


def every(run: MpasRun) -> str:
    """The interval of the driving model, as streams have it."""
    return f"{DRIVERS[run.boundary].every_hours:02d}:00:00"


def indented(root: ElementTree.Element) -> str:
    """The text of a file of streams."""
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"
