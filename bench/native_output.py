"""`j_wrfout`, `k_mpas`: a full-size output of WRF read as parameters, MPAS's cells brought to the target grid."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from metpy.interpolate import log_interpolate_1d
from netCDF4 import Dataset
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from bench.cases import GRID, Timed
from models import wrf, wrf_air
from pipeline.grid import unit_vectors
from pipeline.science import regrid
from pipeline.science.regrid_points import PointWeights

SIDE, LAYERS = 1000, 50
CELLS, FIELDS = 163_842, 45
PEER_ROWS = 100
"""Rows that the peer takes at a time: with all at once it needs more than this machine may give."""
Array = NDArray[np.float32]
_SURFACE = ("T2", "PSFC", "Q2", "U10", "V10", "TSK", "PBLH", "RAINC", "RAINNC")


def j_wrfout() -> Iterator[Timed]:
    """One time of 1,000 by 1,000 cells and 50 levels, made here: 1.8 GB, in the system's cache when it is read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wrfout_d01_2026-01-31_06:00:00"
        write_wrfout(path)
        size = {"megabytes": round(path.stat().st_size / 1e6)}
        yield Timed("hourcast", "39 parameters, 31 of them of whole columns", lambda: list(wrf.read([path])), more=size)
        work = f"five fields on five levels by MetPy, {PEER_ROWS} rows at a time"
        yield Timed("metpy", work, partial(_by_metpy, path), more=size)
        yield Timed("netcdf4", "the same variables read, nothing made of them", partial(_read, path), more=size)
        yield Timed("bandwidth_limit", "read once", lambda: None, {"read": float(path.stat().st_size)})


def write_wrfout(path: Path, side: int = SIDE, layers: int = LAYERS) -> None:
    """A file in the layout of WRF: a standard atmosphere with waves, on a map turned by a few degrees."""
    y, x = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side), indexing="ij")
    wave = np.sin(9 * x) * np.cos(7 * y)
    interfaces = np.linspace(0, 1, layers + 1) ** 1.5 * 20_000
    with Dataset(path, "w") as file:
        file.setncatts({"TITLE": " MADE BY A BENCHMARK, NOT BY WRF", "MAP_PROJ": 1, "BUCKET_MM": -1.0})
        sizes = {"south_north": side, "west_east": side, "bottom_top": layers}
        for name, size in {"Time": 1, "DateStrLen": 19, **sizes}.items():
            file.createDimension(name, size)
        for name, size in sizes.items():
            file.createDimension(f"{name}_stag", size + 1)
        file.createVariable("Times", "S1", ("Time", "DateStrLen"))[0] = np.array(list("2026-01-31_06:00:00"), "S1")
        surface = dict.fromkeys(_SURFACE, 300 + wave) | {"PSFC": 1e5 + 500 * wave, "Q2": 0.01 + 0 * wave}
        surface |= {"XLAT": 40 + 9 * y, "XLONG": 9 * x, "COSALPHA": np.cos(x / 9), "SINALPHA": np.sin(x / 9)}
        for name, field in surface.items():
            file.createVariable(name, "f4", ("Time", "south_north", "west_east"))[0] = field
        for name, stagger in (("U", 2), ("V", 1), ("W", 0), *((name, None) for name in ("P", "PB", "T", "QVAPOR"))):
            _write_layers(file, name, stagger, wave, (interfaces[1:] + interfaces[:-1]) / 2, interfaces)
        for name in ("PH", "PHB"):
            _write_layers(file, name, 0, wave, interfaces, interfaces)


def _write_layers(
    file: Dataset,
    name: str,
    stagger: int | None,
    wave: NDArray[np.float64],
    height: NDArray[np.float64],
    interfaces: NDArray[np.float64],
) -> None:
    """A variable of layers, one at a time."""
    names = [
        f"{part}{'_stag' * (axis == stagger)}" for axis, part in enumerate(("bottom_top", "south_north", "west_east"))
    ]
    variable = file.createVariable(name, "f4", ("Time", *names))
    padded = np.pad(wave, [(0, int(stagger == axis)) for axis in (1, 2)], mode="edge")
    of_height = {
        "P": lambda z: 50 * padded, "PB": lambda z: 1e5 * np.exp(-z / 8000) + 0 * padded,
        "T": lambda z: -10 + z / 150 + padded, "QVAPOR": lambda z: 0.01 * np.exp(-z / 2500) + 1e-5 * padded,
        "U": lambda z: 10 + z / 900 + padded, "V": lambda z: 3 * padded, "W": lambda z: 0.1 * padded,
        "PH": lambda z: 20 * padded, "PHB": lambda z: 9.81 * z + 0 * padded,
    }  # fmt: skip
    for layer, z in enumerate(interfaces if stagger == 0 else height):
        variable[0, layer] = of_height[name](z)


def _by_metpy(path: Path) -> list[list[Array]]:
    """What wrf-python's algorithms make of the file, by MetPy's interpolation: in blocks of rows."""
    levels = [level * 100.0 for level in wrf.PRESSURE_LEVELS]
    with xr.open_dataset(path, decode_times=False) as data:
        first, out = data.isel(Time=0), []
        for start in range(0, SIDE, PEER_ROWS):
            rows = {
                "south_north": slice(start, start + PEER_ROWS),
                "south_north_stag": slice(start, start + PEER_ROWS + 1),
            }
            part = {name: first[name].isel({k: v for k, v in rows.items() if k in first[name].dims}).values
                    for name in ("P", "PB", "T", "QVAPOR", "PH", "PHB", "U", "V")}  # fmt: skip
            pressure = part["P"] + part["PB"]
            warmth = wrf_air.temperature(part["T"], pressure)
            faces = (part["PH"] + part["PHB"]) / wrf_air.GRAVITY
            layers = [
                warmth, (faces[1:] + faces[:-1]) / 2, wrf_air.relative_humidity(part["QVAPOR"], warmth, pressure),
                (part["U"][..., 1:] + part["U"][..., :-1]) / 2, (part["V"][:, 1:] + part["V"][:, :-1]) / 2,
            ]  # fmt: skip
            out.append(log_interpolate_1d(levels, pressure, *layers))
    return out


def _read(path: Path) -> float:
    with Dataset(path) as file:
        return sum(float(file[name][0].flat[0]) for name in file.variables if file[name].ndim == 4)


def k_mpas() -> Iterator[Timed]:
    """163,842 cells evenly over the globe (60 km) to 0.25 degrees: weights made, and 45 fields carried over by them."""
    latitude, longitude = sphere(CELLS)
    make = partial(regrid.weights, latitude, longitude, None, GRID, "bilinear")
    weights = make()
    assert isinstance(weights, PointWeights)
    values = np.random.default_rng(0).standard_normal((FIELDS, CELLS), np.float32)
    out = np.empty((FIELDS, weights.places), np.float32)
    sparse = csr_matrix((weights.weight, weights.index, weights.start), (weights.places, CELLS))
    moved = {"read": float(values.nbytes + sparse.data.nbytes * 2), "change": float(out.nbytes)}
    yield Timed(
        "hourcast", f"{FIELDS} fields by weights that are there", lambda: regrid.apply(weights, values, out=out)
    )
    work = "the same weights as xESMF applies its own: a sparse matrix, and back to maps"
    yield Timed("scipy_sparse", work, lambda: np.ascontiguousarray((sparse @ values.T).T))
    yield Timed("hourcast_weights", "weights of the three cells around, on the sphere", make)
    call = partial(_nearest_three, latitude, longitude)
    yield Timed("scipy_tree", "weights of the three nearest cells by their distance, on the sphere", call)
    yield Timed("bandwidth_limit", "fields and weights read, fields written", lambda: None, moved)


def sphere(cells: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude of points evenly over the globe: a spiral of golden angles."""
    number = np.arange(cells) + 0.5
    latitude = np.rad2deg(np.arcsin(1 - 2 * number / cells))
    return latitude, np.mod(np.rad2deg(number * np.pi * (3 - np.sqrt(5))), 360)


def _nearest_three(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> csr_matrix:
    distance, near = cKDTree(unit_vectors(latitude, longitude)).query(unit_vectors(*GRID.places), k=3)
    weight = 1 / np.maximum(distance, 1e-12)
    weight /= weight.sum(axis=1, keepdims=True)
    start = np.arange(0, near.size + 1, 3)
    return csr_matrix((weight.ravel().astype(np.float32), near.ravel(), start), (len(near), CELLS))
