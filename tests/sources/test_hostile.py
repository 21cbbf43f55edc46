"""A message that declares what it does not hold is refused before memory is taken for it."""

from __future__ import annotations

import bz2
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.sources import SOURCES
from pipeline.sources.fetch import Request, fetch
from pipeline.sources.limits import memory_limit
from pipeline.sources.messages import GribError, split
from pipeline.sources.unpack import unpack
from pipeline.stages import stage
from pipeline.steps import Deployment, ingest
from pipeline.store import Store
from tests.grib_samples import message

COLUMNS, ROWS = 40_000, 25_000
PACKINGS = ("grid_simple", "grid_ccsds", "grid_complex", "grid_complex_spatial_differencing")
# Enough for the libraries and a field, not for 10^9 points.
LIMITED = """
import resource, sys
from pipeline.sources.messages import GribError, split
from pipeline.sources.unpack import unpack
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
for data in sys.stdin.read().split():
    try:
        unpack(next(split(bytes.fromhex(data))))
    except GribError as error:
        print(error)
"""


def declaring(packing: str, values: NDArray[np.float64]) -> bytes:
    """A message that says that it has 10^9 points."""
    honest = message({"shortName": "2t", "packingType": packing}, values)
    data, sections = bytearray(honest), next(split(honest)).sections
    for section, octet, number in ((3, 6, COLUMNS * ROWS), (3, 30, COLUMNS), (3, 34, ROWS), (5, 5, COLUMNS * ROWS)):
        start = sections[section][0] + octet
        data[start : start + 4] = number.to_bytes(4, "big")
    return bytes(data)


def test_a_thousand_million_points_are_refused_within_memory_and_time() -> None:
    ramp = np.linspace(280, 290, 84)
    hostile = [declaring(packing, ramp) for packing in PACKINGS] + [declaring("grid_simple", np.full(84, 280.0))]
    text = "\n".join(data.hex() for data in hostile)
    done = subprocess.run([sys.executable, "-c", LIMITED], input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("declares 1000000000 points") == len(hostile)


def test_the_first_edition_is_refused_too() -> None:
    honest = message({"shortName": "2t"}, np.full(84, 280.0), sample="regular_ll_sfc_grib1")
    data, start = bytearray(honest), next(split(honest)).sections[2][0]
    data[start + 6 : start + 10] = b"\x80\x00" * 2
    with pytest.raises(GribError, match=f"declares {2**30} points"):
        unpack(next(split(bytes(data))))


def test_a_file_that_unpacks_to_too_much_is_a_fault() -> None:
    icon, wanted, bucket = SOURCES["icon"], parameter("temperature_2m"), Store.open("memory://")
    cycle = Cycle.parse("2026-01-30T18")
    bucket.write(icon.key(cycle, 12, parameter=wanted.name), bz2.compress(bytes(2**27 + 1), 1))
    delivery = fetch(bucket, icon, Request(cycle, 12, (wanted,)), sleep=lambda _: None)
    assert [fault.reason.split(": ")[1][:21] for fault in delivery.faults] == ["expected a field; fou"]


def test_an_index_cannot_make_a_reader_fetch_more_than_a_field(tmp_path: Path) -> None:
    gfs, cycle, wanted = SOURCES["gfs"], Cycle.parse("2026-01-31T06"), parameter("temperature_2m")
    file = tmp_path / gfs.key(cycle, 6)
    file.parent.mkdir(parents=True)
    with file.open("wb") as sparse:
        sparse.truncate(2**40)
    file.with_name(f"{file.name}.idx").write_text("1:0:d=2026013106:TMP:2 m above ground:6 hour fcst:\n")
    delivery = fetch(Store.open(f"file://{tmp_path}"), gfs, Request(cycle, 6, (wanted,)), sleep=lambda _: None)
    (fault,) = delivery.faults
    assert fault.reason.endswith(f"expected a field; its index gives it {2**40} bytes")


def test_reading_gets_no_more_memory_than_it_may_and_all_of_it_afterwards() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(MemoryError), memory_limit(64):
        np.empty(2**27)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert np.empty(2**27).nbytes == 2**30


def test_a_feed_is_read_within_the_memory_that_the_table_of_stages_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = Deployment.open(Config(store="memory://", sources={"gfs": {}}))
    limits: list[int] = []
    note = lambda *_: limits.append(resource.getrlimit(resource.RLIMIT_DATA)[0])  # noqa: E731
    monkeypatch.setattr(ingest, "ingest_past", note)
    monkeypatch.setattr(ingest, "newest_cycle", lambda *_: None)
    ingest.run(deployment, Cycle.parse("2026-01-31T06"), "gfs")
    most = stage("ingest").memory_mib * 2**20
    assert most < limits[0] < most + 2**34
