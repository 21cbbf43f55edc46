"""Our own loop around an AFNO: each state follows from the one before alone, so that a run can continue anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import sun
from models.base import Emulator, States
from models.device import graphed
from models.weights import Package

STEP_HOURS = 6


class DeviceEmulator(Emulator, Protocol):
    """An emulator whose states can stay where they are computed."""

    @property
    def device(self) -> torch.device: ...

    def steps(self, states: Tensor, *, start: datetime, seeds: Sequence[int]) -> Iterator[Tensor]:
        """`run` on the device; no tensor is written to once it was given."""
        ...


@dataclass(frozen=True)
class FourCastNet:
    """A package behind the protocol `Emulator`.

    `batch`: members stepped together; groups are filled up to it, because a product of another size rounds otherwise
    and a member must not depend on its neighbours. One member of FourCastNet's size fills a GPU. `precision`: bfloat16
    is for GPUs, float32 the reference.
    """

    package: Package
    device: torch.device
    batch: int = 1
    precision: torch.dtype = torch.float32
    step_hours: int = STEP_HOURS

    @property
    def variables(self) -> tuple[str, ...]:
        """In the order of the channels."""
        return self.package.variables

    @property
    def latitude(self) -> NDArray[np.float64]:
        """From the north pole, without the south pole."""
        return np.linspace(90, -90, self.package.network.shape.rows, endpoint=False)

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east from 0."""
        return np.linspace(0, 360, self.package.network.shape.columns, endpoint=False)

    def run(self, states: States, *, start: datetime, seeds: Sequence[int]) -> Iterator[States]:
        """As `Emulator` asks; states come to the host at every step."""
        for after in self.steps(torch.as_tensor(states, device=self.device), start=start, seeds=seeds):
            yield after.cpu().numpy()

    def steps(self, states: Tensor, *, start: datetime, seeds: Sequence[int]) -> Iterator[Tensor]:
        """The same on the device. Deterministic: the seeds are for models that draw.

        ValueError if the states are not the network's.
        """
        shape, variables = self.package.network.shape, len(self.variables)
        if states.shape[1:] != (variables, shape.rows, shape.columns) or len(seeds) != len(states):
            raise ValueError(
                f"expected states ({len(seeds)}, {variables}, {shape.rows}, {shape.columns}); "
                f"found {tuple(states.shape)}; prepare the initial conditions with the package that integrates"
            )
        for step in itertools.count():
            yield states
            after, told = torch.empty_like(states), self._told(start, step)
            for group, out in zip(states.split(self.batch), after.split(self.batch), strict=True):
                out.copy_(self._step(torch.cat([_filled(group, self.batch), *told], 1))[: len(group)])
            states = after

    def _told(self, start: datetime, step: int) -> list[Tensor]:
        """What the network is given beside the states of a step: where the sun stands, if it was trained with it."""
        if not self.package.sun:
            return []
        times = sun.at(start, step * self.step_hours)
        channels = torch.as_tensor(sun.channels(times, self.step_hours, self.latitude, self.longitude))
        return [channels.to(self.device).expand(self.batch, -1, -1, -1)]

    @cached_property
    def _step(self) -> Callable[[Tensor], Tensor]:
        """One step of `batch` states and what is told beside them; what it returns may be overwritten by the next."""
        network = self.package.network.to(self.device)
        variables = len(self.variables)
        mean, scale = (
            torch.as_tensor(values, device=self.device)[:, None, None]
            for values in (self.package.mean, self.package.scale)
        )

        def step(given: Tensor) -> Tensor:
            lower, states = self.precision != torch.float32, (given[:, :variables] - mean) / scale
            with torch.inference_mode(), torch.autocast(self.device.type, self.precision, enabled=lower):
                return network(torch.cat([states, given[:, variables:]], 1))[:, :variables].float() * scale + mean

        if self.device.type != "cuda":
            return step
        shape = network.shape
        return graphed(step, torch.zeros(self.batch, shape.channels, shape.rows, shape.columns, device=self.device))


def _filled(states: Tensor, size: int) -> Tensor:
    """As many states as asked, the last one repeated."""
    return torch.cat([states, states[-1:].expand(size - len(states), *states.shape[1:])])
