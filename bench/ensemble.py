"""FourCastNet's loop against earth2studio's `run.ensemble`: same weights, members, variables kept and kind of store.
At full size, on a GPU: `python -m bench.full_size`.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
import zarr
from numpy.typing import NDArray

from bench.cases import Timed
from models import weights
from models.afno import Afno, Shape
from models.emulator import FourCastNet

MEMBERS, STEPS, ROWS, START = 8, 8, 60, datetime(2025, 9, 5)
VARIABLES = (
    "u10m", "v10m", "t2m", "sp", "msl", "t850", "u850", "v850", "z850", "u500", "v500", "z500", "t500", "r500", "r850",
    "tcwv", "u250", "v250", "z250", "t250",
)  # fmt: skip
KEPT = ("u10m", "v10m", "t2m", "msl")
Array = NDArray[np.float32]


def ensemble() -> Iterator[Timed]:
    """8 members, 8 steps of six hours at three degrees, 4 of 20 variables kept as Zarr in a folder."""
    folder = Path(tempfile.mkdtemp())
    torch.manual_seed(0)
    network = Afno(Shape(ROWS, 2 * ROWS, len(VARIABLES), patch=3, width=96, depth=4))
    nothing, one = np.zeros(len(VARIABLES), np.float32), np.ones(len(VARIABLES), np.float32)
    checksum = weights.write(folder / "package", weights.Package(network, VARIABLES, nothing, one))
    ours = FourCastNet(weights.read(folder / "package", [checksum]), torch.device("cpu"))
    states = np.random.default_rng(1).standard_normal((MEMBERS, len(VARIABLES), ROWS, 2 * ROWS), np.float32)
    other = theirs(folder, checksum, states[:1], MEMBERS, STEPS, torch.device("cpu"))
    work = f"{MEMBERS} members, {STEPS} steps"
    yield Timed("hourcast", work, lambda: _ours(ours, states, folder), more={"member_steps": MEMBERS * STEPS})
    yield Timed("earth2studio", work, other, more={"member_steps": MEMBERS * STEPS})


def _ours(model: FourCastNet, states: Array, folder: Path) -> None:
    """Run, and write each variable kept, a chunk a member that holds all its leads."""
    kept = [model.variables.index(name) for name in KEPT]
    run = itertools.islice(model.run(states, start=START, seeds=range(len(states))), STEPS + 1)
    fields = np.stack([after[:, kept] for after in run], axis=2)  # (member, variable, lead, latitude, longitude)
    group = zarr.create_group(folder / "ours.zarr", overwrite=True)
    for place, name in enumerate(KEPT):
        shape = fields[:, place].shape
        array = group.create_array(name, shape=shape, chunks=(1, *shape[1:]), dtype="float32")
        array[:] = fields[:, place]


def theirs(
    folder: Path, checksum: str, state: Array, members: int, steps: int, device: torch.device
) -> Callable[[], object]:
    """earth2studio's own workflow into its Zarr backend, of the package in the folder; members from one state."""
    from models import fourcastnet

    loaded = fourcastnet.load("fcn", str(folder / "package"), [checksum], device)
    from collections import OrderedDict

    import xarray as xr
    from earth2studio import run
    from earth2studio.io import ZarrBackend
    from earth2studio.perturbation import Zero

    axes = {"lat": loaded.latitude, "lon": loaded.longitude}

    def analysis(time: NDArray[np.datetime64], variable: NDArray[np.str_]) -> xr.DataArray:
        return xr.DataArray(state, {"time": time, "variable": variable, **axes}, ["time", "variable", *axes])

    def call() -> None:
        backend = ZarrBackend(str(folder / "theirs.zarr"), backend_kwargs={"overwrite": True})
        run.ensemble(
            [START], steps, members, loaded.model, analysis, backend, Zero(), batch_size=1,
            output_coords=OrderedDict({"variable": np.array(KEPT)}), device=device, verbose=False,
        )  # fmt: skip

    return call
