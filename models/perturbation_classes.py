"""Perturbed initial states by earth2studio's own classes, the same for a member however the members are shared out.

These classes draw from torch's global generator: here each member is made for itself, on the CPU, between a seeding of
that generator and its return to where it was. Their amplitudes are no root mean squares, so the size is set afterwards;
that of hemispheric-centred bred vectors, which is one by variable and hemisphere, is the class's own.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from models.base import Emulator
from models.earth2studio_imports import imported
from models.perturbation import BREEDING_STEPS, seed_of, size_of
from pipeline.cycle import Cycle

Array = NDArray[np.float32]
Coordinates = OrderedDict[str, NDArray[Any]]


@dataclass(frozen=True)
class Start:
    """What members start from: `analyses` (analysis, variable, latitude, longitude), the newest first, every step of
    the model earlier; `size`: (variable,) root mean square of the perturbation, in the variables' units."""

    model: Emulator
    cycle: Cycle
    analyses: Array
    size: Array


def perturbed(kind: str, start: Start, member: int) -> Array:
    """(variable, latitude, longitude) that a perturbed member, from 1 on, starts from.

    kind: the name of a class in `earth2studio.perturbation`. ImportError that says what to install.
    """
    with imported():
        from earth2studio import perturbation
    way = _WAYS[kind]
    first = member - (member + 1) % 2 if way is _hemispheric else member  # of a pair that shares its vector
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(str(start.cycle), first))
        return way(perturbation, kind, start, member)


def _noise(classes: Any, kind: str, start: Start, member: int) -> Array:
    """Fields of a spherical class, each brought to its size."""
    still = torch.zeros(1, *_SINGLE, *start.analyses.shape[1:])
    drawn, _ = getattr(classes, kind)(1.0)(still, _coordinates(start, ("batch", "time", "lead_time")))
    noise = drawn.numpy().reshape(start.analyses.shape[1:])
    one = np.ones(1, np.float32)
    sizes = np.stack([size_of(field[None], one, start.model.latitude) for field in noise])
    return np.asarray(start.analyses[0] + noise * (start.size / sizes)[:, None, None], np.float32)


def _bred(classes: Any, kind: str, start: Start, member: int) -> Array:
    """A bred vector from spherical noise; all variables together are brought to their sizes."""
    seeding = classes.SphericalGaussian(torch.as_tensor(start.size)[:, None, None])
    breed = classes.BredVector(
        _Step(start.model), 1.0, integration_steps=BREEDING_STEPS, seeding_perturbation_method=seeding
    )
    state = torch.as_tensor(start.analyses[0]).reshape(1, *_SINGLE, *start.analyses.shape[1:])
    moved, _ = breed(state, _coordinates(start, ("batch", "time", "lead_time")))
    difference = (moved - state).numpy().reshape(start.analyses.shape[1:])
    return np.asarray(start.analyses[0] + difference / size_of(difference, start.size, start.model.latitude))


def _hemispheric(classes: Any, kind: str, start: Start, member: int) -> Array:
    """Members 1 and 2, 3 and 4, ... add and take off one vector, bred through the analyses before."""
    size = torch.as_tensor(start.size)[:, None, None]
    breed = classes.HemisphericCentredBredVector(
        _Step(start.model), _Analyses(start), classes.SphericalGaussian(size), size, integration_steps=BREEDING_STEPS
    )
    pair = torch.empty(2, *_SINGLE, *start.analyses.shape[1:])
    both, _ = breed(pair, _coordinates(start, ("batch", "time", "lead_time"), batch=2))
    return np.asarray(both[(member + 1) % 2].numpy().reshape(start.analyses.shape[1:]))


def _lagged(classes: Any, kind: str, start: Start, member: int) -> Array:
    """What the model makes of the analysis so many steps earlier, at the time of the newest (Hoffman and Kalnay 1983,
    https://doi.org/10.1111/j.1600-0870.1983.tb00189.x): the class alone would take the earlier analysis as it is."""
    lag = np.timedelta64(-member * start.model.step_hours, "h")
    ensemble = classes.LaggedEnsemble(_Analyses(start, stepped=True), np.array([lag]))
    state = torch.empty(1, *_SINGLE, *start.analyses.shape[1:])
    found, _ = ensemble(state, _coordinates(start, ("ensemble", "time", "lead_time")))
    return np.asarray(found.numpy().reshape(start.analyses.shape[1:]))


_SINGLE = (1, 1)  # one time and one lead
_WAYS: Mapping[str, Callable[[Any, str, Start, int], Array]] = {
    "SphericalGaussian": _noise,
    "CorrelatedSphericalGaussian": _noise,
    "BredVector": _bred,
    "HemisphericCentredBredVector": _hemispheric,
    "LaggedEnsemble": _lagged,
}


def _coordinates(start: Start, leading: tuple[str, str, str], batch: int = 1) -> Coordinates:
    values = (np.arange(batch), np.array([_time(start)]), np.array([np.timedelta64(0, "h")]))
    return OrderedDict(zip(leading, values, strict=True)) | _grid(start.model)


def _grid(model: Emulator) -> Coordinates:
    return OrderedDict(variable=np.array(model.variables), lat=model.latitude, lon=model.longitude)


def _time(start: Start) -> np.datetime64:
    return np.datetime64(start.cycle.init_time, "ns")


@dataclass(frozen=True)
class _Step:
    """One step of an emulator, called as earth2studio calls its prognostic models."""

    model: Emulator

    def input_coords(self) -> Coordinates:
        return OrderedDict(batch=np.empty(0), time=np.empty(0), lead_time=np.array([np.timedelta64(0, "h")])) | _grid(
            self.model
        )

    def output_coords(self, input_coords: Coordinates) -> Coordinates:
        step = np.timedelta64(self.model.step_hours, "h")
        return input_coords | OrderedDict(lead_time=input_coords["lead_time"] + step)

    def __call__(self, x: Tensor, coordinates: Coordinates) -> tuple[Tensor, Coordinates]:
        states, now = x.numpy().reshape(-1, *x.shape[-3:]), coordinates["time"][0] + coordinates["lead_time"][-1]
        stepped = [_after(self.model, state, now, 1) for state in states]
        return torch.as_tensor(np.stack(stepped)).reshape(x.shape), self.output_coords(coordinates)


@dataclass(frozen=True)
class _Analyses:
    """The analyses as earth2studio's data source; `stepped`: brought to the newest one's time by the model."""

    start: Start
    stepped: bool = False

    def __call__(self, time: NDArray[np.datetime64], variable: NDArray[np.str_]) -> xr.DataArray:
        step = np.timedelta64(self.start.model.step_hours, "h")
        lags = [int(lag) for lag in (_time(self.start) - time) // step]
        states = [self.start.analyses[lag] for lag in lags]
        if self.stepped:
            states = [
                _after(self.start.model, state, now, lag) for state, now, lag in zip(states, time, lags, strict=True)
            ]
        axes = OrderedDict(time=time) | _grid(self.start.model)
        return xr.DataArray(np.stack(states), axes, list(axes)).sel(variable=variable)


def _after(model: Emulator, state: Array, now: np.datetime64, steps: int) -> Array:
    """A state so many steps on, alone, so that it does not depend on others."""
    start = now.astype("datetime64[s]").item()
    return next(itertools.islice(model.run(state[None], start=start, seeds=[0]), steps, None))[0]
