"""FourCastNet's loop against earth2studio's `run.ensemble`: same weights, members, variables kept and kind of store.

`python -m bench.ensemble` instead times one step at full size, 26 x 720 x 1440, on the GPU that is there, beside its
floors; docs/ensemble.md says what to expect.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
import zarr
from numpy.typing import NDArray

from bench.cases import Timed
from models import weights
from models.afno import Afno, Shape
from models.emulator import FourCastNet

MEMBERS, STEPS, ROWS = 8, 8, 60
VARIABLES = (
    "u10m", "v10m", "t2m", "sp", "msl", "t850", "u850", "v850", "z850", "u500", "v500", "z500", "t500", "r500", "r850",
    "tcwv", "u250", "v250", "z250", "t250",
)  # fmt: skip
KEPT = ("u10m", "v10m", "t2m", "msl")
FULL = Shape(720, 1440, 26, patch=8, width=768, depth=12, blocks=8)
BATCHES = (1, 2, 4)
TERAFLOP_A_STEP = 1.99  # of FULL, a member
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
    work = f"{MEMBERS} members, {STEPS} steps"
    yield Timed("hourcast", work, lambda: _ours(ours, states, folder), more={"member_steps": MEMBERS * STEPS})
    yield Timed("earth2studio", work, _theirs(folder, checksum, states[:1]), more={"member_steps": MEMBERS * STEPS})


def _ours(model: FourCastNet, states: Array, folder: Path) -> None:
    """Run, and write each variable kept, a chunk a member that holds all its leads."""
    kept = [model.variables.index(name) for name in KEPT]
    run = itertools.islice(model.run(states, seeds=range(len(states))), STEPS + 1)
    fields = np.stack([after[:, kept] for after in run], axis=2)  # (member, variable, lead, latitude, longitude)
    group = zarr.create_group(folder / "ours.zarr", overwrite=True)
    for place, name in enumerate(KEPT):
        shape = fields[:, place].shape
        array = group.create_array(name, shape=shape, chunks=(1, *shape[1:]), dtype="float32")
        array[:] = fields[:, place]


def _theirs(folder: Path, checksum: str, state: Array) -> Callable[[], object]:
    """earth2studio's own workflow, its Zarr backend and its checkpoint of weights; members from one state."""
    from models import fourcastnet

    loaded = fourcastnet.load("fcn", str(folder / "package"), [checksum], torch.device("cpu"))
    from collections import OrderedDict
    from datetime import datetime

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
            [datetime(2025, 9, 5)], STEPS, MEMBERS, loaded.model, analysis, backend, Zero(), batch_size=1,
            output_coords=OrderedDict({"variable": np.array(KEPT)}), device=torch.device("cpu"), verbose=False,
        )  # fmt: skip

    return call


def full_size(shape: Shape, device: torch.device, steps: int = 20) -> list[dict[str, object]]:
    """Milliseconds a member-step of our loop, peak memory, and error of a step, in each precision and by the members
    of a batch; random weights are fine for speed."""
    torch.manual_seed(0)
    network, nothing = Afno(shape).eval(), np.zeros(shape.channels, np.float32)
    package = weights.Package(network, tuple(map(str, range(shape.channels))), nothing, nothing + 1)
    models = {
        ("float32", 1): FourCastNet(package, device),
        **{("bfloat16", batch): FourCastNet(package, device, batch, torch.bfloat16) for batch in BATCHES},
    }
    if device.type == "cuda":
        fused = replace(package, network=cast(Afno, torch.compile(network)))
        models["bfloat16, compiled", 1] = FourCastNet(fused, device, 1, torch.bfloat16)
    state = torch.randn(1, shape.channels, shape.rows, shape.columns, device=device)
    reference, rows = None, []
    for (name, batch), model in models.items():
        if device.type == "cuda":
            torch.set_float32_matmul_precision("highest" if name == "float32" else "high")
            torch.cuda.reset_peak_memory_stats()
        run = itertools.islice(model.steps(state.repeat(batch, 1, 1, 1), seeds=range(batch)), 1, None)
        found = next(run)[:1]
        reference = found if reference is None else reference
        seconds = _seconds(run, steps, device) / steps / batch
        peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else float("nan")
        wrong = float((found - reference).norm() / reference.norm())
        rows.append({
            "precision": name, "batch": batch, "ms": 1e3 * seconds, "peak_gib": peak, "error_to_float32": wrong
        })  # fmt: skip
    return rows


def _seconds(run: Iterator[torch.Tensor], steps: int, device: torch.device) -> float:
    _wait(device)
    began = time.perf_counter()
    for _ in range(steps):
        next(run)
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    if not torch.cuda.is_available():
        raise SystemExit("no GPU here: run this on one; `python -m bench ensemble` compares on a CPU at reduced size")
    for row in full_size(FULL, torch.device("cuda")):
        print(json.dumps(row | {"teraflop_s": 1e3 * TERAFLOP_A_STEP / float(str(row["ms"]))}))
