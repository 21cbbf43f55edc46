"""The table of namelists from the models' registries: short texts in their forms, and what they say of variables."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

import pytest

from models.registries import Declared, declared_by, declared_in_rconfig, declared_in_xml, renewed
from models.registries_fortran import declared_in_fortran

RCONFIG = """
#<Table>  <Type>  <Sym>        <How set>              <Nentries>   <Default>
rconfig   integer run_days     namelist,time_control\t\t1             0       irh   "run_days"  "NUMBER OF DAYS"
rconfig   real    DX           namelist,domains     max_domains    200     h     "dx"        "RESOLUTION"  "METERS"
rconfig   integer mp_physics   namelist,physics\tmax_domains    -1     rh       "mp_physics"  ""      ""
rconfig   integer km_opt       namelist,dynamics\tmax_domains   -1     irh      "km_opt"      ""      ""
rconfig   real    dt           derived              max_domains    2.      h     "dt"        "STEP"  "SECONDS"
#rconfig  integer ccntype      namelist,physics      max_domains    0       rh   "maritime(1)/continental(2)"
package   thompson        mp_physics==8              -             moist:qv,qc;scalar:qni
package   kesslerscheme   mp_physics==1              -             moist:qv
#package  milbrandt3mom   mp_physics==12             -             moist:qv
package   sms_3dtke       km_opt==5                  -             state:gamu
"""
XML = r"""<?xml version="1.0"?>
<registry model="mpas" core="atmosphere" version="8.3.1">
#ifdef DO_PHYSICS
  <nml_record name="nhyd_model" in_defaults="true">
    <nml_option name="config_dt" type="real" default_value="720.0" possible_values="Positive real values"/>
    <nml_option name="config_len_disp" type="real" default_value="0.0" possible_values="Positive real values. ..."/>
    <nml_option name="config_w_adv_order" type="integer" default_value="3" possible_values="2, 3, or 4"/>
    <nml_option name="config_start_time" type="character" default_value="x" possible_values="`YYYY-MM-DD_hh:mm:ss'"/>
    <nml_option name="config_do_DAcycling" type="logical" default_value="false" possible_values=".true. or .false."/>
    <nml_option name="config_cam" type="real" default_value="0.0"
                possible_values="0 $\leq$ config_cam $\leq$ 1, standard value is 0.2"/>
    <nml_option name="config_tasks" type="integer" default_value="0"
                possible_values="Integer valued, 0 $\leq$ config_tasks $\leq$ \# MPI tasks, 0 indicates all"/>
    <nml_option name="config_case" type="integer" default_value="7" possible_values="1 -- 9"/>
    <nml_option name="config_suite" type="character" default_value="on" possible_values="`off' or `on'; `off' is none"/>
    <nml_option name="config_every" type="character" default_value="none" possible_values="`DD_HH:MM:SS' or `none'"/>
  </nml_record>
</registry>
"""
FORTRAN = """
module gridinfo
   integer, parameter :: MAX_DOMAINS = 21
   character (len=128), dimension(MAX_DOMAINS) :: start_date, &
                                                  end_date   ! of every domain
  TYPE NML_COORD_T
    REAL                        :: SF
  END TYPE NML_COORD_T
  TYPE NML_CURV_T
    INTEGER                     :: NX
    CHARACTER(100)              :: VAR(3)
    TYPE(NML_COORD_T)           :: XCOORD
  END TYPE NML_CURV_T
#ifdef W3_S
    INTEGER, SAVE               :: IENT = 0
#endif
      integer :: max_dom = 1
      TYPE(NML_CURV_T) :: CURV
      namelist /share/ max_dom, start_date, &
                       end_date
      NAMELIST /CURV_NML/ CURV
"""


def test_wrf_declares_types_entries_and_schemes() -> None:
    assert declared_in_rconfig(RCONFIG) == {
        ("time_control", "run_days"): Declared("integer", False),
        ("domains", "dx"): Declared("real", True),
        ("physics", "mp_physics"): Declared("integer", True, choices="-1|0|1|8"),
        ("dynamics", "km_opt"): Declared("integer", True),  # a package of it asks only for memory
    }


def test_mpas_declares_ranges_and_choices_in_words() -> None:
    found = {name: declared for (_, name), declared in declared_in_xml(XML).items()}
    assert found == {
        "config_dt": Declared("real", False, minimum="1e-09"),
        "config_len_disp": Declared("real", False, minimum="0"),  # its own default
        "config_w_adv_order": Declared("integer", False, choices="2|3|4"),
        "config_start_time": Declared("character", False),
        "config_do_dacycling": Declared("logical", False),
        "config_cam": Declared("real", False, "0", "1"),
        "config_tasks": Declared("integer", False, "0"),
        "config_case": Declared("integer", False, "1", "9"),
        "config_suite": Declared("character", False, choices="off|on"),
        "config_every": Declared("character", False),
    }


def test_fortran_declares_arrays_and_members_of_types() -> None:
    assert declared_in_fortran(FORTRAN) == {
        ("share", "max_dom"): ("integer", False),
        ("share", "start_date"): ("character", True),
        ("share", "end_date"): ("character", True),
        ("curv_nml", "curv%nx"): ("integer", False),
        ("curv_nml", "curv%var"): ("character", True),
        ("curv_nml", "curv%xcoord"): ("structure", True),
        ("curv_nml", "curv%xcoord%sf"): ("real", False),
    }
    with pytest.raises(ValueError, match="found none of max_domain"):
        declared_in_fortran("namelist /share/ max_domain")


def test_a_registry_renews_types_and_keeps_ranges_that_it_does_not_know(tmp_path: Path) -> None:
    registry = tmp_path / "Registry" / "Registry.EM_COMMON"
    registry.parent.mkdir()
    registry.write_text(RCONFIG)
    old = {"file": "namelist.input", "group": "domains", "name": "dx", "type": "integer", "many": "", "minimum": "1",
           "maximum": "", "choices": "", "source": ""}  # fmt: skip
    kept = old | {"name": "elsewhere"}
    rows = {row["name"]: row for row in renewed([old, kept], declared_by("wrf", "4.6.1", tmp_path))}
    assert rows["dx"] == old | {"type": "real", "many": "yes", "source": "Registry.EM_COMMON@4.6.1"}
    assert rows["elsewhere"] == kept
    assert rows["run_days"]["minimum"] == ""
    assert not list(declared_by("mpas", "8", tmp_path))


def test_nearly_every_row_of_the_table_was_found_in_a_registry() -> None:
    with resources.files("models").joinpath("namelists.csv").open() as file:
        rows = list(csv.DictReader(file))
    without = [row["name"] for row in rows if not row["source"]]
    assert len(rows) > 1400
    assert len(without) < 15, without
