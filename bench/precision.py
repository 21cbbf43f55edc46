"""What lower precision costs: runs of the shipped model in TF32 and bfloat16 against float32, beside its errors.

`python -m bench.precision build/training` starts from the dates that `hourcast train` has left unseen there. No GPU is
needed: a CPU has bfloat16, and rounds the factors of products as TF32 does.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from models import weights
from models.emulator import STEP_HOURS, FourCastNet
from models.inputs import SHIPPED
from models.training.data import Reanalysis, times_beside
from models.training.validation import area_mean

STARTS, LEADS, EVERY_HOURS = 8, (24, 72, 120), 3
VARIABLES = ("z500", "msl", "t2m", "u10m")
_PRODUCTS = (torch.matmul, torch.baddbmm, functional.linear, functional.conv2d)
Array = NDArray[np.float32]


class Tf32(TorchFunctionMode):
    """Within it the factors of products have 10 bits of mantissa."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in _PRODUCTS:
            args = [_rounded(value) if isinstance(value, torch.Tensor) else value for value in args]
        return func(*args, **(kwargs or {}))


def _rounded(values: torch.Tensor) -> torch.Tensor:
    if values.dtype != torch.float32:
        return values
    return ((values.contiguous().view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)


def differences(package: weights.Package, unseen: Reanalysis) -> Iterator[tuple[str, str, int, float, float]]:
    """Precision, variable, lead, root mean square difference from float32 and, beside it, float32's error; in units."""
    reference = FourCastNet(package, torch.device("cpu"))
    places, apart = [package.variables.index(name) for name in VARIABLES], STEP_HOURS // unseen.every
    starts = np.linspace(0, len(unseen.states) - 1 - max(LEADS) // unseen.every, STARTS).astype(int)
    steps = [lead // STEP_HOURS for lead in LEADS]
    exact = _runs(reference, unseen, starts, steps)
    truth = np.stack([_physical(package, unseen.states[starts + step * apart]) for step in steps], 1)
    error = _size(exact - truth, reference)[:, places]
    lower = replace(reference, precision=torch.bfloat16)
    for name, model in (("TF32", reference), ("bfloat16", lower)):
        with Tf32():
            found = _size(_runs(model, unseen, starts, steps) - exact, reference)[:, places]
        for column, variable in enumerate(VARIABLES):
            for row, lead in enumerate(LEADS):
                yield name, variable, lead, float(found[row, column]), float(error[row, column])


def _runs(model: FourCastNet, unseen: Reanalysis, starts: NDArray[np.int64], steps: Sequence[int]) -> Array:
    """(start, lead, variable, latitude, longitude) of runs from these states."""
    runs = []
    for start in starts:
        state = _physical(model.package, unseen.states[start])[None]
        run = itertools.islice(model.run(state, start=unseen.when(start), seeds=[0]), max(steps) + 1)
        runs.append(np.stack([after[0] for step, after in enumerate(run) if step in steps]))
    return np.stack(runs)


def _physical(package: weights.Package, states: Array) -> Array:
    return states * package.scale[:, None, None] + package.mean[:, None, None]


def _size(values: Array, model: FourCastNet) -> NDArray[np.float64]:
    """(lead, variable) root mean square over starts and the sphere."""
    return np.sqrt(area_mean(values**2, model.latitude).mean(0))


if __name__ == "__main__":
    torch.set_num_threads(1)
    cache, shipped = Path(sys.argv[1]) / "unseen.npy", weights.read(SHIPPED, [weights.shipped_checksum()])
    states, times = np.load(cache, mmap_mode="r"), np.load(times_beside(cache))
    named = shipped.variables, shipped.mean, shipped.scale, shipped.scale, EVERY_HOURS
    for name, variable, lead, found, error in differences(shipped, Reanalysis(states, times, *named)):
        print(f"{name:8s} {variable:4s} +{lead:3d} h  {found:8.4g}  {found / error:.2%} of the error {error:.4g}")
