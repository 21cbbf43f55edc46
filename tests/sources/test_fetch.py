"""Fetching: only the wanted bytes, checked against the index; what fails is repeated, then named."""

from __future__ import annotations

import bz2
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.sources import SOURCES
from pipeline.sources.fetch import RANGE_GAP, Delivery, Request, fetch
from pipeline.store import Store
from tests.grib_samples import COLUMNS, ROWS, Entry, of_parameter, put_ncep

GFS = SOURCES["gfs"]
CYCLE = Cycle.parse("2026-01-30T18")
RAMP = np.linspace(0, 1, COLUMNS * ROWS)
TEMPERATURE, PRECIPITATION = parameter("temperature_2m"), parameter("precipitation")


def entries(lead: int = 12) -> list[Entry]:
    return [
        ("TMP:2 m above ground", f"{lead} hour fcst", of_parameter(TEMPERATURE, CYCLE, lead, lead, 280 + RAMP)),
        ("APCP:surface", "6-12 hour acc fcst", of_parameter(PRECIPITATION, CYCLE, 6, 12, RAMP)),
        ("APCP:surface", "0-12 hour acc fcst", of_parameter(PRECIPITATION, CYCLE, 0, 12, 5 * RAMP)),
    ]


def get(bucket: Store, *names: str, lead: int = 12, waits: list[float] | None = None) -> Delivery:
    request = Request(CYCLE, lead, tuple(parameter(name) for name in names))
    return fetch(bucket, GFS, request, sleep=(waits if waits is not None else []).append)


@pytest.fixture
def bucket() -> Store:
    return Store.open("memory://")


def test_wanted_messages_come_in_the_catalogues_units(bucket: Store) -> None:
    key = put_ncep(bucket, GFS, CYCLE, 12, entries())
    delivery = get(bucket, "temperature_2m", "precipitation")
    assert [field.parameter for field in delivery.fields] == ["temperature_2m", "precipitation"]
    assert not delivery.faults
    assert list(delivery.checksums) == [key]


def test_of_several_intervals_the_shortest_is_fetched_from_buckets_and_the_longest_from_totals(bucket: Store) -> None:
    put_ncep(bucket, GFS, CYCLE, 12, entries())
    assert get(bucket, "precipitation").fields[0].start_hours == 6
    from_start = replace(GFS, accumulates_from_start=True)
    delivery = fetch(bucket, from_start, Request(CYCLE, 12, (PRECIPITATION,)))
    assert delivery.fields[0].start_hours == 0


class Counting:
    """A bucket that remembers the ranges read from it."""

    def __init__(self, inner: Store) -> None:
        self.inner, self.ranges = inner, list[tuple[int, int]]()

    def read(self, key: str) -> bytes:
        return self.inner.read(key)

    def size(self, key: str) -> int:
        return self.inner.size(key)

    def exists(self, key: str) -> bool:
        return self.inner.exists(key)

    def version(self, key: str) -> tuple[int, str | None]:
        return self.inner.version(key)

    def read_range(self, key: str, start: int, end: int, tag: str | None = None) -> bytes:
        self.ranges.append((start, end))
        return self.inner.read_range(key, start, end, tag)


def test_near_messages_are_fetched_together_and_far_ones_apart(bucket: Store) -> None:
    first, second, _ = entries()
    put_ncep(bucket, GFS, CYCLE, 12, [first, ("X:y", "12 hour fcst", b"\0" * (RANGE_GAP + 1)), second])
    counting = Counting(bucket)
    fetch(counting, GFS, Request(CYCLE, 12, (TEMPERATURE, PRECIPITATION)))
    assert len(counting.ranges) == 2
    assert sum(end - start for start, end in counting.ranges) == len(first[2]) + len(second[2])
    put_ncep(bucket, GFS, CYCLE, 12, [first, second])
    counting.ranges.clear()
    fetch(counting, GFS, Request(CYCLE, 12, (TEMPERATURE, PRECIPITATION)))
    assert len(counting.ranges) == 1


class Listening(Counting):
    """A bucket that remembers the keys read from it."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.keys = set[str]()

    def read(self, key: str) -> bytes:
        self.keys.add(key)
        return super().read(key)

    def read_range(self, key: str, start: int, end: int, tag: str | None = None) -> bytes:
        self.keys.add(key)
        return super().read_range(key, start, end, tag)


@pytest.mark.parametrize("elsewhere", ["http://169.254.169.254/latest", "file:///etc/passwd", "../../secret", 7, None])
def test_an_index_cannot_name_another_file(bucket: Store, elsewhere: object) -> None:
    ifs = SOURCES["ifs"]
    key, data = ifs.key(CYCLE, 12), of_parameter(TEMPERATURE, CYCLE, 12, 12, 280 + RAMP)
    row = {"param": "2t", "levtype": "sfc", "step": "12", "_offset": 0, "_length": len(data)}
    named = dict.fromkeys(("_path", "url", "href", "path", "links"), elsewhere)
    bucket.write(key, data)
    bucket.write(ifs.index_key(key), json.dumps(row | named).encode())
    listening = Listening(bucket)
    delivery = fetch(listening, ifs, Request(CYCLE, 12, (TEMPERATURE,)))
    assert [field.parameter for field in delivery.fields] == ["temperature_2m"]
    assert listening.keys == {key, ifs.index_key(key)}


def test_a_missing_file_and_a_missing_message_are_faults_without_waiting(bucket: Store) -> None:
    waits: list[float] = []
    assert "no file" in get(bucket, "temperature_2m", waits=waits).faults[0].reason
    put_ncep(bucket, GFS, CYCLE, 12, entries()[:1])
    delivery = get(bucket, "temperature_2m", "precipitation", waits=waits)
    assert [fault.parameter for fault in delivery.faults] == ["precipitation"]
    assert "not in" in delivery.faults[0].reason
    assert not waits


def test_a_file_cut_off_loses_only_what_is_behind_the_cut(bucket: Store) -> None:
    key = put_ncep(bucket, GFS, CYCLE, 12, entries())
    bucket.write(key, bucket.read(key)[:-40])
    index = bucket.read(GFS.index_key(key)).decode().splitlines()[:2]
    whole = bucket.read(GFS.index_key(key))
    bucket.write(GFS.index_key(key), "\n".join(index).encode())
    delivery = get(bucket, "temperature_2m", "precipitation")
    assert [field.parameter for field in delivery.fields] == ["temperature_2m", "precipitation"]
    bucket.write(key, bucket.read(key)[: len(entries()[0][2]) + 50])
    delivery = get(bucket, "temperature_2m", "precipitation")
    assert [field.parameter for field in delivery.fields] == ["temperature_2m"]
    assert "cut off" in delivery.faults[0].reason
    assert delivery.faults[0].data
    bucket.write(GFS.index_key(key), whole)
    delivery = get(bucket, "temperature_2m", "precipitation")
    assert [field.parameter for field in delivery.fields] == ["temperature_2m"], "though a message begins after the cut"
    assert "cut off" in delivery.faults[0].reason


def test_a_damaged_message_is_fetched_again_until_it_has_stopped_changing(bucket: Store) -> None:
    key = put_ncep(bucket, GFS, CYCLE, 12, entries())
    good = bucket.read(key)
    bucket.write(key, b"\0" * len(good))
    waits: list[float] = []
    delivery = get(bucket, "temperature_2m", waits=waits)
    assert delivery.faults[0].data == b"\0" * len(entries()[0][2])
    assert len(waits) == 1


def test_a_file_that_is_still_arriving_is_waited_for(bucket: Store) -> None:
    key = put_ncep(bucket, GFS, CYCLE, 12, entries())
    good = bucket.read(key)
    bucket.write(key, b"\0" * len(good))
    states = [b"\1" * len(good), good]
    request = Request(CYCLE, 12, (TEMPERATURE,))
    delivery = fetch(bucket, GFS, request, sleep=lambda seconds: bucket.write(key, states.pop(0)))
    assert not delivery.faults
    assert delivery.fields


@pytest.mark.parametrize("store", ["memory://", "file://{}"])
def test_a_file_that_is_replaced_while_it_is_read_gives_nothing_of_the_old_one(store: str, tmp_path: Path) -> None:
    """The new one has the same index and sizes: only its tag tells it from the old one."""
    bucket = Store.open(store.format(tmp_path))
    filler = ("X:y", "12 hour fcst", b"\0" * (RANGE_GAP + 1))

    def publish(warmer: float) -> None:
        temperature = of_parameter(TEMPERATURE, CYCLE, 12, 12, 280 + warmer + RAMP)
        rain = of_parameter(PRECIPITATION, CYCLE, 6, 12, RAMP * (1 + warmer))
        put_ncep(bucket, GFS, CYCLE, 12, [(*entries()[0][:2], temperature), filler, (*entries()[1][:2], rain)])

    class Republished(Counting):
        def read_range(self, key: str, start: int, end: int, tag: str | None = None) -> bytes:
            data = super().read_range(key, start, end, tag)
            if len(self.ranges) == 1:
                publish(1)
            return data

    publish(0)
    waits: list[float] = []
    delivery = fetch(Republished(bucket), GFS, Request(CYCLE, 12, (TEMPERATURE, PRECIPITATION)), sleep=waits.append)
    assert not delivery.faults
    assert len(waits) == 1
    highest = {field.parameter: float(np.max(field.values)) for field in delivery.fields}
    assert highest == pytest.approx({"temperature_2m": 282, "precipitation": 2}, abs=0.01)


def test_waiting_ends_at_the_deadline(bucket: Store) -> None:
    key = put_ncep(bucket, GFS, CYCLE, 12, entries())
    size, waits = bucket.size(key), list[float]()
    bucket.write(key, b"\0" * size)

    def never_the_same(seconds: float) -> None:
        waits.append(seconds)
        bucket.write(key, bytes([len(waits)]) * size)

    fetch(bucket, GFS, Request(CYCLE, 12, (TEMPERATURE,)), sleep=never_the_same)
    assert sum(waits) <= GFS.deadline_seconds
    assert len(waits) > 3


def test_a_message_that_is_not_what_the_index_says_is_a_fault(bucket: Store) -> None:
    other = of_parameter(parameter("dew_point_temperature_2m"), CYCLE, 12, 12, 270 + RAMP)
    put_ncep(bucket, GFS, CYCLE, 12, [("TMP:2 m above ground", "12 hour fcst", other)])
    fault = get(bucket, "temperature_2m").faults[0]
    assert "expected temperature_2m" in fault.reason
    assert "found dew_point_temperature_2m" in fault.reason


def test_an_index_that_is_none_is_a_fault_with_its_bytes(bucket: Store) -> None:
    key = put_ncep(bucket, GFS, CYCLE, 12, entries())
    bucket.write(GFS.index_key(key), b"<html>not found</html>")
    fault = get(bucket, "temperature_2m").faults[0]
    assert "expected `number:offset" in fault.reason
    assert fault.data == b"<html>not found</html>"


def test_a_member_is_found_in_a_file_of_all_members() -> None:
    bucket, source, cycle = Store.open("memory://"), SOURCES["ifs_ens"], Cycle.parse("2026-11-01T00")
    lines, data = [], b""
    for member in (1, 2, 3):
        part = of_parameter(
            TEMPERATURE, cycle, 6, 6, 280 + member + RAMP, productDefinitionTemplateNumber=1, perturbationNumber=member
        )
        row = {"param": "2t", "levtype": "sfc", "step": "6", "number": str(member), "_offset": len(data)}
        lines.append(json.dumps(row | {"_length": len(part)}))
        data += part
    key = source.key(cycle, 6)
    bucket.write(key, data)
    bucket.write(source.index_key(key), "\n".join(lines).encode())
    one = fetch(bucket, source, Request(cycle, 6, (TEMPERATURE,), member=2)).fields
    assert [field.member for field in one] == [2]
    every = fetch(bucket, source, Request(cycle, 6, (TEMPERATURE,))).fields
    assert [field.member for field in every] == [1, 2, 3]


def test_files_of_one_parameter_are_unpacked() -> None:
    bucket, icon = Store.open("memory://"), replace(SOURCES["icon"], coordinate_files={})
    data = of_parameter(TEMPERATURE, CYCLE, 12, 12, 280 + RAMP)
    bucket.write(icon.key(CYCLE, 12, parameter="temperature_2m"), bz2.compress(data))
    bucket.write(icon.key(CYCLE, 12, parameter="surface_pressure"), b"not bzip2")
    request = Request(CYCLE, 12, (TEMPERATURE, parameter("surface_pressure"), parameter("dew_point_temperature_2m")))
    delivery = fetch(bucket, icon, request, sleep=lambda seconds: None)
    assert [field.parameter for field in delivery.fields] == ["temperature_2m"]
    assert {fault.parameter: bool(fault.data) for fault in delivery.faults} == {
        "surface_pressure": True,
        "dew_point_temperature_2m": False,
    }
