"""What the ensemble's members start from: the analysis itself and, perturbed as configured, states around it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.perturbation import BREEDING_STEPS, bred_vector, seed_of, spherical_gaussian
from pipeline.config import FourCastNetConfig
from pipeline.steps.initial_state import InitialState

if TYPE_CHECKING:
    from models.base import Emulator
    from models.emulator import DeviceEmulator

Array = NDArray[np.float32]


def perturbed(
    model: DeviceEmulator, initial: InitialState, scale: Array, settings: FourCastNetConfig, members: Sequence[int]
) -> Array:
    """(member, variable, latitude, longitude) that these members start from; member 0 from the analysis as it is.

    scale: (variable,) standard deviations. A member's state follows from the analyses, their time and the member's
    number alone. ValueError for an amplitude of a variable that the model lacks.
    """
    states = np.repeat(initial.state[None], len(members), 0)
    chosen = [(place, number) for place, number in enumerate(members) if number]
    if settings.amplitude == 0 and settings.perturbation != "LaggedEnsemble":
        return states
    size, seeds = _size(model, scale, settings), {number: seed_of(str(initial.cycle), number) for _, number in chosen}
    if settings.perturbation == "spherical_gaussian":
        for place, number in chosen:
            states[place] += _noise(model, seeds[number]) * size[:, None, None]
    elif settings.perturbation == "bred_vectors":
        for (place, _), vector in zip(chosen, _bred(model, initial, size, list(seeds.values())), strict=True):
            states[place] += vector
    else:  # importing earth2studio takes long
        from models import perturbation_classes

        start = perturbation_classes.Start(model, initial.cycle, initial.analyses, size)
        for place, number in chosen:
            states[place] = perturbation_classes.perturbed(settings.perturbation, start, number)
    return states


def _bred(model: DeviceEmulator, initial: InitialState, size: Array, seeds: Sequence[int]) -> Iterator[Array]:
    """A bred vector a seed; one noise and one vector at a time are on the host."""
    import torch

    start = initial.cycle.init_time
    first, sizes = (torch.as_tensor(values, device=model.device) for values in (initial.state, size[:, None, None]))
    run = model.steps(first[None], start=start, seeds=[0])
    still = [state[0] for state in itertools.islice(run, BREEDING_STEPS + 1)]
    for seed in seeds:
        noise = torch.as_tensor(_noise(model, seed), device=model.device)
        yield bred_vector(model, still, start, noise, sizes, seed).cpu().numpy()


def _size(model: Emulator, scale: Array, settings: FourCastNetConfig) -> Array:
    """(variable,) root mean square of the perturbations, in the variables' units."""
    unknown = sorted(set(settings.amplitudes) - set(model.variables))
    if unknown:
        raise ValueError(f"`amplitudes` names {', '.join(unknown)}; the model has {', '.join(model.variables)}")
    shares = [settings.amplitudes.get(name, settings.amplitude) for name in model.variables]
    return np.asarray(np.array(shares) * scale, np.float32)


def _noise(model: Emulator, seed: int) -> Array:
    return spherical_gaussian(len(model.variables), model.latitude, len(model.longitude), seed)
