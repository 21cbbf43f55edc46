"""A package of random weights on a small grid, in the real on-disk format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from models import weights
from models.afno import Afno, Shape
from models.sun import CHANNELS

VARIABLES = ("u10m", "v10m", "t2m", "msl", "z500")
MEAN = np.array([0, 0, 280, 101000, 54000], np.float32)
SCALE = np.array([5, 5, 20, 1000, 3000], np.float32)


def random_package(folder: Path, seed: int = 0, rows: int = 12, sun: bool = False) -> str:
    """Write it; returns the checksum of its weights, small ones: a state changes little in a step."""
    torch.manual_seed(seed)
    network = Afno(Shape(rows, 2 * rows, len(VARIABLES) + sun * CHANNELS, patch=2, width=32, depth=2, blocks=4))
    return weights.write(folder, weights.Package(network, VARIABLES, MEAN, SCALE, sun))


def random_states(members: int, seed: int = 0, rows: int = 12) -> np.ndarray:
    """Plausible states of the package's variables."""
    noise = np.random.default_rng(seed).standard_normal((members, len(VARIABLES), rows, 2 * rows), np.float32)
    return MEAN[:, None, None] + SCALE[:, None, None] * noise
