"""What lies below the target grid, as an analysis has told it: altitude and land; and where a parameter exists."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline import paths
from pipeline.grid import Grid
from pipeline.parameters import Domain
from pipeline.products.opened import opened
from pipeline.science import gradients
from pipeline.steps import Deployment
from pipeline.store import Store


def is_known(deployment: Deployment) -> bool:
    """Whether an analysis has told altitude and land."""
    return deployment.store.exists(f"{paths.static_fields()}/zarr.json")


def surface(deployment: Deployment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(place,) altitude in m and land fraction of the cells, both 0 where no analysis has told them."""
    if not is_known(deployment):
        return np.zeros(deployment.grid.places[0].size), np.zeros(deployment.grid.places[0].size)
    return _surface(deployment.store)


def slopes(deployment: Deployment) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(place,) how the altitude rises towards the east and the north, 1; 0 at the poles and where none is told."""
    if not is_known(deployment):
        flat = np.zeros(deployment.grid.places[0].size, np.float32)
        return flat, flat
    return _slopes(deployment.store, deployment.grid)


def within(deployment: Deployment, domain: Domain) -> NDArray[np.bool_]:
    """(place,) where a parameter of that domain exists: cells with some land or some sea; all if nobody knows."""
    if domain == "all" or not is_known(deployment):
        return np.ones(deployment.grid.places[0].size, bool)
    _, land = surface(deployment)
    return land > 0 if domain == "land" else land < 1


@lru_cache(maxsize=2)
def _surface(store: Store) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same out of the store, read once: it does not change."""
    static = opened(store, paths.static_fields(), consolidated=False)
    altitude, land = (static[name].values.astype(np.float64) for name in ("surface_altitude", "land_area_fraction"))
    return altitude.ravel(), land.ravel()


@lru_cache(maxsize=2)
def _slopes(store: Store, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What winds from the east and from the north of 1 m s-1 bring of the altitude in a second."""
    altitude = np.pad(_surface(store)[0].reshape(grid.shape), 1, mode="wrap").astype(np.float32)[None]
    inner = np.repeat(np.abs(grid.latitude) < 90, grid.shape[1])
    still, against = np.zeros_like(altitude), np.full_like(altitude, -1)
    east, north = (
        gradients.advection(*wind, altitude, grid.latitude, grid.resolution).ravel() * inner
        for wind in ((against, still), (still, against))
    )
    return east, north
