"""The store: one behaviour behind file://, memory:// and a real S3 server."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipeline.store import Store, StoreError

# As in S3, a conditional write is one step: moto alone looks and puts in two, between which another may come.
SERVER = """
import sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

moto, alone = DomainDispatcherApplication(create_backend_app), threading.Lock()

def answer(environ, start_response):
    with alone:
        return list(moto(environ, start_response))

run_simple("127.0.0.1", int(sys.argv[1]), answer, threaded=True)
"""


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a local S3 server with an empty bucket `forecasts`."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(urllib.request.Request(f"{address}/forecasts", method="PUT"), timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return Store.open(f"file://{tmp_path}/store")
    if request.param == "memory":
        return Store.open("memory://")
    address = request.getfixturevalue("s3_server")
    return Store.open(f"s3://forecasts/{tmp_path.name}", endpoint=address)


def test_what_is_written_is_read_back(store: Store) -> None:
    store.write("a/b.json", b"first")
    store.write("a/b.json", b"second")
    assert store.read("a/b.json") == b"second"
    assert store.read_range("a/b.json", 1, 4) == b"eco"
    assert store.size("a/b.json") == 6
    assert store.exists("a/b.json")
    assert not store.exists("a")


def test_an_absent_object_is_a_file_not_found(store: Store) -> None:
    for read in (store.read, store.size):
        with pytest.raises(FileNotFoundError, match=r"no object at .*nothing"):
            read("nothing")
    with pytest.raises(FileNotFoundError):
        store.read_range("nothing", 0, 1)
    assert not store.exists("nothing")
    assert store.list("nothing") == []
    assert store.list_folders("nothing") == []
    store.delete("nothing")


def test_listing_is_sorted_recursive_and_by_whole_folder_names(store: Store) -> None:
    for key in ("a/z", "a/b/c", "a/b2/c", "d", "a/b/a"):
        store.write(key, key.encode())
    assert [info.key for info in store.list("")] == ["a/b/a", "a/b/c", "a/b2/c", "a/z", "d"]
    assert [info.key for info in store.list("a/b")] == ["a/b/a", "a/b/c"]
    assert [info.size for info in store.list("a/b")] == [5, 5]
    assert store.list_folders("a") == ["b", "b2"]
    assert store.list_folders("") == ["a"]


def test_delete_removes_everything_below_a_folder_and_nothing_else(store: Store) -> None:
    for key in ("a/b/c", "a/b/d", "a/b2/c"):
        store.write(key, b"")
    store.delete("a/b")
    assert [info.key for info in store.list("")] == ["a/b2/c"]
    store.delete("a/b2/c")
    assert store.list("") == []


def test_a_child_is_the_same_store_from_a_folder(store: Store) -> None:
    child = store.child("a/b")
    child.write("c", b"1")
    assert store.read("a/b/c") == b"1"
    assert [info.key for info in child.list("")] == ["c"]
    assert child.child("x").list("") == []


def test_of_many_writers_of_a_new_object_one_wins(store: Store) -> None:
    barrier = threading.Barrier(12)

    def race(number: int) -> bool:
        barrier.wait()
        return store.write_new("prize", str(number).encode())

    with ThreadPoolExecutor(12) as threads:
        won = list(threads.map(race, range(12)))
    assert won.count(True) == 1
    assert store.read("prize") == str(won.index(True)).encode()


def test_concurrent_updates_are_all_counted(store: Store) -> None:
    barrier = threading.Barrier(12)

    def count(_: int) -> None:
        barrier.wait()
        store.update("count", lambda old: str(int(old or b"0") + 1).encode())

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(count, range(12)))
    assert store.read("count") == b"12"


def test_xarray_writes_and_opens_a_zarr(store: Store) -> None:
    data = xr.Dataset({"a": (("x", "y"), np.arange(6.0).reshape(2, 3))}, {"x": [1, 2]})
    data.to_zarr(store.zarr("f/data.zarr"), zarr_format=3, consolidated=False)
    xr.testing.assert_equal(xr.open_zarr(store.zarr("f/data.zarr"), consolidated=False).load(), data)
    data.to_zarr(store.zarr("f/data.zarr"), mode="w", zarr_format=3, consolidated=False)
    with pytest.raises((FileNotFoundError, KeyError)):
        xr.open_zarr(store.zarr("f/none.zarr"), consolidated=False)


def test_a_store_travels_to_another_process(store: Store) -> None:
    child = store.child("a")
    if store.url.startswith("memory://"):
        with pytest.raises(StoreError, match="one process"):
            pickle.dumps(child)
        return
    child.write("b", b"1")
    again = pickle.loads(pickle.dumps(child))
    assert again.read("b") == b"1"
    assert hash(again) == hash(child)
    assert again == child


def test_an_anonymous_reader_needs_no_credentials(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"x-amz-acl": "public-read", "Content-Type": "application/octet-stream"}
    urllib.request.urlopen(urllib.request.Request(f"{s3_server}/forecasts/public", b"1", headers, method="PUT"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name)
    assert Store.open("s3://forecasts", endpoint=s3_server, anonymous=True).read("public") == b"1"


def test_missing_credentials_are_one_clear_line(s3_server: str) -> None:
    Store.open("s3://forecasts", endpoint=s3_server).write("private", b"1")
    with pytest.raises(StoreError, match="permission denied") as error:
        Store.open("s3://forecasts", endpoint=s3_server, anonymous=True).read("private")
    assert "\n" not in str(error.value)


def test_a_missing_bucket_is_one_clear_line(s3_server: str) -> None:
    store = Store.open("s3://nowhere", endpoint=s3_server)
    with pytest.raises(StoreError, match=r"cannot write s3://.*does not exist") as error:
        store.write("a", b"")
    assert "\n" not in str(error.value)


def test_a_mirror_holds_a_folder_for_each_bucket(tmp_path: Path) -> None:
    mirror = Store.open(f"file://{tmp_path}")
    mirror.write("noaa-gfs-bdp-pds/gfs.20260131/a", b"1")
    mirror.write("opendata.dwd.de/weather/b", b"2")
    endpoint = f"file://{tmp_path}"
    assert Store.open("s3://noaa-gfs-bdp-pds", endpoint=endpoint).read("gfs.20260131/a") == b"1"
    assert Store.open("https://opendata.dwd.de", endpoint=endpoint).read("weather/b") == b"2"


@pytest.mark.parametrize("url", ["", "ftp://host/x", "s3://", "file://", "http://"])
def test_an_unknown_kind_of_store_is_explained(url: str) -> None:
    with pytest.raises(StoreError, match="expected a store such as file://folder"):
        Store.open(url)


def test_a_place_that_cannot_be_written_is_one_clear_line() -> None:
    store = Store.open("file:///proc/hourcast")
    for write in (lambda: store.write("a/b", b"1"), lambda: store.update("a/b", lambda old: b"1")):
        with pytest.raises(StoreError, match="cannot write file:///proc/hourcast/a/b: ") as error:
            write()
        assert "\n" not in str(error.value)


def test_a_full_disk_is_one_clear_line_and_leaves_the_old_object(tmp_path: Path) -> None:
    program = f"""
import resource, signal
from pipeline.store import Store, StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.open("file://{tmp_path}")
store.write("a", b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.write("a", bytes(2000))
except StoreError as error:
    print(error)
print(store.read("a"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"cannot write file://{tmp_path}/a: the file is larger than this system allows",
        "b'old'",
    ]


def test_a_small_disk_that_is_full_keeps_the_old_object_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "hourcast-test", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        store = Store.open(f"file://{disk}")
        store.write("a", b"old")
        with pytest.raises(StoreError, match="the disk is full; free some space"):
            store.write("a", bytes(200_000))
        assert store.read("a") == b"old"
        assert [info.key for info in store.list("")] == ["a"]
        subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
        store.write("a", bytes(200_000))
        assert store.size("a") == 200_000
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_what_killed_writers_leave_is_hidden_and_removed(tmp_path: Path) -> None:
    store = Store.open(f"file://{tmp_path}")
    store.write("hour/a", b"1")
    for name in ("a#1", f"0.{'f' * 32}.partial"):
        (tmp_path / "hour" / name).write_bytes(b"half")
    assert [info.key for info in store.list("")] == ["hour/a"]
    store.remove_unfinished("hour")
    assert [path.name for path in (tmp_path / "hour").iterdir()] == ["a"]


def test_a_killed_updater_does_not_block_the_next(tmp_path: Path) -> None:
    program = f"""
import time
from pipeline.store import Store
Store.open("file://{tmp_path}").update("a", lambda old: print("in", flush=True) or time.sleep(60) or b"never")
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    store = Store.open(f"file://{tmp_path}")
    store.update("a", lambda old: (old or b"") + b"x")
    assert store.read("a") == b"x"
