"""FourCastNet in earth2studio's own classes: FCN, FCN2 (SFNO) and FCN3, behind the protocol `Emulator`.

Importing earth2studio takes long, so only what integrates with it imports this module. Where the weights are
an AFNO's, `models.emulator` steps the same network faster.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import sun, weights
from models.base import States
from models.earth2studio_imports import imported
from models.emulator import STEP_HOURS

_CLASSES = {
    "fcn": ("earth2studio.models.px.fcn", "FCN"),
    "sfno": ("earth2studio.models.px.sfno", "SFNO"),
    "fcn3": ("earth2studio.models.px.fcn3", "FCN3"),
}


@dataclass(frozen=True)
class Earth2Studio:
    """A prognostic model of earth2studio on a device; `kind` is its name in the configuration."""

    model: Any
    kind: str
    device: torch.device

    @property
    def variables(self) -> tuple[str, ...]:
        """earth2studio's names."""
        return tuple(str(name) for name in self.model.input_coords()["variable"])

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Degrees north, north to south."""
        return np.asarray(self.model.input_coords()["lat"], np.float64)

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east."""
        return np.asarray(self.model.input_coords()["lon"], np.float64)

    @property
    def step_hours(self) -> int:
        """Hours from one state to the next."""
        lead = self.model.output_coords(self.model.input_coords())["lead_time"][-1]
        return int(lead / np.timedelta64(1, "h"))

    def run(self, states: States, *, start: datetime, seeds: Sequence[int]) -> Iterator[States]:
        """As `Emulator` asks; states come to the host at every step."""
        for after in self.steps(torch.as_tensor(states, device=self.device), start=start, seeds=seeds):
            yield after.cpu().numpy()

    def steps(self, states: Tensor, *, start: datetime, seeds: Sequence[int]) -> Iterator[Tensor]:
        """One member after the other at each step, each drawing from its own seed.

        A model that draws keeps its generator between steps, so its members run one by one: ValueError for several.
        """
        if hasattr(self.model, "set_rng"):
            if len(states) > 1:
                raise ValueError(f"{self.kind} draws random numbers: give it one member a slice; found {len(states)}")
            self.model.set_rng(seed=seeds[0], reset=True)  # its default is one seed for all members
        iterators = [self._member(state, start) for state in states]
        while True:
            yield torch.stack([next(member) for member in iterators])

    def _member(self, state: Tensor, start: datetime) -> Iterator[Tensor]:
        """SFNO and FCN3 have the time among their axes; FCN, told of the sun by us, has not."""
        single = {"batch": np.arange(1), "time": np.array([start], "datetime64[ns]")}
        axes = self.model.input_coords()
        coordinates = OrderedDict((name, single.get(name, values)) for name, values in axes.items())
        if isinstance(getattr(self.model, "model", None), _Sunlit):
            self.model.front_hook = self.model.model.noting(start)
        leading = (1,) * (len(coordinates) - state.ndim)
        for after, _ in self.model.create_iterator(state.reshape(*leading, *state.shape), coordinates):
            yield after.reshape(state.shape).float()


class _Sunlit(torch.nn.Module):
    """A network that is told where the sun stands, by a class that does not know the time."""

    def __init__(self, network: torch.nn.Module, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> None:
        super().__init__()
        self.network, self.latitude, self.longitude = network, latitude, longitude
        self.now = np.array([], "datetime64[s]")

    def noting(self, start: datetime) -> Callable[[Tensor, Any], tuple[Tensor, Any]]:
        """A hook for the beginning of a step that keeps its time."""

        def note(x: Tensor, coordinates: Any) -> tuple[Tensor, Any]:
            self.now = np.array([start], "datetime64[s]") + coordinates["lead_time"][-1:]
            return x, coordinates

        return note

    def forward(self, x: Tensor) -> Tensor:
        """(1, variable, latitude, longitude) normalised states to the same."""
        told = torch.as_tensor(sun.channels(self.now, STEP_HOURS, self.latitude, self.longitude), device=x.device)
        return torch.as_tensor(self.network(torch.cat([x, told], 1))[:, : x.shape[1]])


def load(kind: str, package: str, allowed: Collection[str], device: torch.device) -> Earth2Studio:
    """Load a package, a folder or a URL that fsspec knows, by earth2studio's own `load_model`.

    Weights in a folder must have an `allowed` SHA-256. ValueError for an unknown kind or weights that are not allowed,
    ImportError that says what to install.
    """
    if kind not in _CLASSES:
        raise ValueError(f"expected one of the models {', '.join(_CLASSES)}; found {kind!r}")
    module, name = _CLASSES[kind]
    with imported():
        from earth2studio.models.auto import Package

        model_class = getattr(import_module(module), name)
    folder = Path(package.removeprefix("file://"))
    if folder.is_dir() and kind == "fcn":
        model_class = _on_grid_of(model_class, weights.read(folder, allowed))
    model = model_class.load_model(Package(str(folder) if folder.is_dir() else package))
    return Earth2Studio(model.to(device), kind, device)


def _on_grid_of(fcn: Any, package: weights.Package) -> Any:
    """The class FCN on a package's grid and variables, told of the sun: its own are written into its code."""
    shape = package.network.shape
    axes: Mapping[str, NDArray[Any]] = {
        "variable": np.array(package.variables),
        "lat": np.linspace(90, -90, shape.rows, endpoint=False),
        "lon": np.linspace(0, 360, shape.columns, endpoint=False),
    }

    class OnGrid(fcn):
        def __init__(self, network: torch.nn.Module, center: Tensor, scale: Tensor) -> None:
            super().__init__(_Sunlit(network, axes["lat"], axes["lon"]) if package.sun else network, center, scale)

        def input_coords(self) -> Any:
            return OrderedDict(super().input_coords() | axes)

        def output_coords(self, input_coords: Any) -> Any:
            wrong = [name for name, values in axes.items() if not np.array_equal(input_coords[name], values)]
            if wrong:
                raise ValueError(f"the model has another {', '.join(wrong)} than the state")
            return OrderedDict(input_coords | {"lead_time": input_coords["lead_time"] + np.timedelta64(6, "h")})

    return OnGrid
