"""Observations of every network in one table.

A network is one module with `NETWORK`, `keys(hour)`, `public_url(key)` and `read(texts, hour)`, an entry in `NETWORKS`
and its rows in `errors.csv`: the standard deviation of instrument and representativeness errors, `error` in the
catalogue's units or `relative` to the value, whichever is larger.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.cycle import Cycle
from pipeline.observations import metar, ndbc, synop
from pipeline.observations.report import Observation, Problem

NETWORKS = (metar, ndbc, synop)
NAMES = tuple(module.NETWORK for module in NETWORKS)
ANSWER_SECONDS = 45.0
"""Within which a server sends a file, of some hundred kilobytes, or counts as silent: the hour waits no longer."""
_WITHHELD_ONE_IN = 10


class Folder(Protocol):
    """What holds the networks' files, such as a Store."""

    def read(self, key: str) -> bytes:
        """The file's content; FileNotFoundError if there is none."""


def read(folder: Folder, hour: Cycle, networks: Sequence[str] = NAMES) -> tuple[pd.DataFrame, list[Problem]]:
    """The newest observation of every station and parameter in the hour that ends at `hour`, and what was unreadable.

    A missing or damaged file is a problem, not an error. Columns: station, network, latitude, longitude, elevation,
    valid_time (naive UTC), parameter, value, error (standard deviation), withheld, flag (empty: not yet found
    wanting). Rows are sorted by network, station and parameter.
    """
    observations: list[Observation] = []
    problems: list[Problem] = []
    keys = {network: network.keys(hour) for network in NETWORKS if network.NETWORK in networks}
    found = _texts(folder, [key for named in keys.values() for key in named])
    for network, named in keys.items():
        texts: dict[str, str] = {}
        for key in named:
            text = found[key]
            if isinstance(text, str):
                texts[key] = text
            elif isinstance(text, FileNotFoundError):
                problems.append(Problem(network.NETWORK, key, f"no file: {text}"))
            else:
                raise text
        reading = network.read(texts, hour)
        observations += reading.observations
        problems += reading.problems
    return table(observations, hour), problems


def _texts(folder: Folder, keys: Sequence[str]) -> dict[str, str | Exception]:
    """All files by key, or why they cannot be read: side by side, for a server that is silent has a store wait for
    minutes, and for each of its files."""
    found: dict[str, str | Exception] = {}

    def read(key: str) -> None:
        try:
            found[key] = folder.read(key).decode("ascii", errors="replace")
        except Exception as error:
            found[key] = error

    readers = [threading.Thread(target=read, args=(key,), daemon=True) for key in keys]  # nobody waits for the silent
    for reader in readers:
        reader.start()
    end = time.monotonic() + ANSWER_SECONDS
    for reader in readers:
        reader.join(max(0.0, end - time.monotonic()))
    silent = FileNotFoundError(f"no answer in {ANSWER_SECONDS:g} s")
    return {key: found.get(key, silent) for key in keys}


def public_url(key: str) -> str | None:
    """The public server's address of a network's file, None if there is no such server."""
    network = next(network for network in NETWORKS if key.startswith(f"{network.NETWORK}/"))
    return network.public_url(key)


def table(observations: Iterable[Observation], hour: Cycle) -> pd.DataFrame:
    """The newest of each station and parameter valid in the hour that ends at `hour`, as `read` describes."""
    frame = pd.DataFrame(observations, columns=list(Observation._fields))
    frame["valid_time"] = frame["valid_time"].astype("datetime64[us]")
    end = pd.Timestamp(hour.init_time)
    frame = frame[(frame["valid_time"] > end - timedelta(hours=1)) & (frame["valid_time"] <= end)]
    order = ["network", "station", "parameter"]
    # Stable: of two reports of one time the later in the file, the correction, wins.
    frame = frame.sort_values([*order, "valid_time"], kind="stable").drop_duplicates(order, keep="last")
    frame = frame.reset_index(drop=True)
    key = pd.MultiIndex.from_frame(frame[["network", "parameter"]])
    stated = errors().reindex(key).to_numpy()
    frame["error"] = np.maximum(stated[:, 0], stated[:, 1] * np.abs(frame["value"].to_numpy(float)))
    frame["withheld"] = withheld(frame["station"])
    frame["flag"] = ""
    numbers = ["latitude", "longitude", "elevation", "value"]
    frame[numbers] = frame[numbers].astype(float)
    texts = ["station", "network", "parameter", "flag"]
    frame[texts] = frame[texts].astype(str)
    return frame


def withheld(stations: Iterable[str]) -> NDArray[np.bool_]:
    """(station,) True for one in ten, the same ones for ever: never assimilated, kept for verification."""
    return np.array([zlib.crc32(name.encode()) % _WITHHELD_ONE_IN == 0 for name in stations], dtype=bool)


@cache
def errors() -> pd.DataFrame:
    """The table `errors.csv` by network and parameter: `error` and `relative`."""
    with resources.files(__package__).joinpath("errors.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file).set_index(["network", "parameter"])[["error", "relative"]].astype(float)
