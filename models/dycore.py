"""The embedded model: the dinosaur spectral core with SPEEDY physics (package jcm), T31 or T42, 8 levels, on a CPU.

The shipped restart file holds a T31 state spun up for 150 days from rest, with steps of 30 minutes; `python -m
models.dycore OUTPUT.npz` makes one like it. The run repeats bit for bit on one machine; a different processor may round
differently, and weather is chaotic.
Molteni 2003 (SPEEDY), https://doi.org/10.1007/s00382-002-0268-2.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.base import Fields
from models.core_run import RESTART_TIME

TRUNCATION = 31
LAYERS = 8
TIME_STEP_MINUTES = {31: 45.0, 42: 30.0}
"""By truncation: four or six between the world's states; stable with its winds of up to 120 m s-1."""
CHUNK_HOURS = 48
"""Every diagnostic of a chunk stays in memory until it is read, so chunks are short; each length of a chunk is compiled
for itself, for half a minute."""
_SKIPPED_PASSES = "while-loop-invariant-code-motion,while-loop-constant-sinking,simplify-while-loops"
"""Of XLA: a third of the time of compiling, and the code runs no slower without."""
_ENVIRONMENT = {
    "XLA_FLAGS": f"--xla_disable_hlo_passes={_SKIPPED_PASSES}",
    "JAX_COMPILATION_CACHE_DIR": str(Path(__file__).parent / "__pycache__" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""How XLA compiles, and that it keeps what it has compiled beside this module, as numba does."""
SPIN_UP_DAYS = 150  # the southern westerlies need some 100 days to establish themselves
REFERENCE_PRESSURE = 1.0e5  # Pa, unit of the core's normalised surface pressure
SIGMA = np.array([0.025, 0.095, 0.2, 0.34, 0.51, 0.685, 0.835, 0.95])


def _boundary(name: str) -> Any:
    """A boundary file of jcm; the engine is named because guessing one imports cfgrib, whose eccodes upsets pyproj."""
    import xarray as xr

    path = resources.files("jcm.data.bc.t30.clim") / name
    with resources.as_file(path) as file, xr.open_dataset(file, engine="h5netcdf") as dataset:
        return dataset.load()


class SpeedyModel:
    """jcm's SPEEDY behind the protocol `ForecastModel`; compiled on a machine's first run (about 15 s)."""

    def __init__(self, start: datetime, restart: bytes | None = None, *, truncation: int = TRUNCATION) -> None:
        """Prepare a model that starts at `start` from `restart` (npz of spectral arrays), or from rest without it.

        A restart file of a coarser truncation has no waves shorter than its own. KeyError for an unknown truncation.
        Before JAX's first use it says by the environment, if that says nothing, how XLA shall compile.
        """
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        import jax.numpy as jnp
        from jcm.data.bc.interpolate import upsample_terrain_ds
        from jcm.forcing import ForcingData
        from jcm.model import Model
        from jcm.physics.speedy.speedy_coords import get_speedy_coords
        from jcm.terrain import TerrainData

        coordinates = get_speedy_coords(layers=LAYERS, spectral_truncation=truncation)
        terrain = _boundary("terrain.nc")
        if truncation != TRUNCATION:
            terrain = upsample_terrain_ds(terrain, grid=coordinates.horizontal)
        self.start = self._begin = start
        self._minutes = TIME_STEP_MINUTES[truncation]
        self._coordinates = coordinates
        self.orography = np.asarray(terrain["orog"].values.T[::-1], np.float32)
        self.land_fraction = np.asarray(terrain["lsm"].values.T[::-1], np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # jcm merges datasets in a way that xarray will change
            self._forcing = ForcingData.from_dataset(
                _boundary("forcing.nc"), coords=coordinates, align_mode="wrap_year"
            )
        self._model = Model(
            coords=coordinates,
            terrain=TerrainData.from_coords(
                coordinates,
                orography=jnp.asarray(terrain["orog"].values),
                fmask=jnp.asarray(terrain["lsm"].values),
            ),
            time_step=self._minutes,
            start_time=f"{start:%Y-%m-%d %H:%M:%S}",
        )
        if restart is None:
            self._model.bootstrap_state()
        else:
            self.go_on_from(restart)

    def go_on_from(self, restart: bytes) -> None:
        """Put the model where it stands into the state of a restart file, as a new process would begin with it."""
        import jax.numpy as jnp
        from jax_datetime import Timedelta

        # `bootstrap_state` with a state, but without compiling what makes grid-point fields of it
        carry = self._model.initial_physics_carry()
        passed = self.start - self._begin
        when = self._model.start_time + Timedelta.from_pytimedelta(passed)
        step = jnp.int32(passed / timedelta(minutes=self._minutes))
        state = _state(restart, self._coordinates.horizontal.modal_shape)
        self._model.restore_state(state, carry, time=when, step=step)

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Gaussian latitudes, north to south."""
        return np.rad2deg(np.asarray(self._coordinates.horizontal.latitudes, np.float64))[::-1]

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Degrees east from 0."""
        return np.rad2deg(np.asarray(self._coordinates.horizontal.longitudes, np.float64))

    def run(self, start: datetime, hours: int, *, every_hours: int) -> Iterator[tuple[datetime, Fields]]:
        """Fields after each `every_hours` for `hours`; ValueError if `start` is not where the model stands."""
        if start != self.start or CHUNK_HOURS % every_hours:
            raise ValueError(
                f"the model stands at {self.start} and saves at divisors of {CHUNK_HOURS} h; asked {start}"
            )
        for chunk in self._chunks(hours, every_hours):
            fields = _fields(chunk)
            for step in range(len(fields["surface_pressure"])):
                self.start += timedelta(hours=every_hours)
                yield self.start, {name: values[step] for name, values in fields.items()}

    def _chunks(self, hours: int, every_hours: int) -> Iterator[Any]:
        """One chunk after the other; the next one is computed while the caller looks at one."""
        before = None
        for begin in range(0, hours, CHUNK_HOURS):
            length = min(CHUNK_HOURS, hours - begin)
            chunk = self._model.resume(
                forcing=self._forcing, save_interval=f"{every_hours} hours", total_time=f"{length} hours"
            )
            if before is not None:
                yield before
            before = chunk
        if before is not None:
            yield before

    def restart(self) -> dict[str, NDArray[np.float32]]:
        """The spectral arrays of the present state."""
        state = self._model.dycore_state
        arrays = {
            name: getattr(state, name)
            for name in ("vorticity", "divergence", "temperature_variation", "log_surface_pressure")
        }
        arrays["specific_humidity"] = state.tracers["specific_humidity"]
        return {name: np.asarray(values, np.float32) for name, values in arrays.items()}


def _state(restart: bytes, modal_shape: tuple[int, int]) -> Any:
    import io

    import jax.numpy as jnp
    from dinosaur.primitive_equations import State

    with np.load(io.BytesIO(restart)) as arrays:
        values = {name: jnp.asarray(_padded(arrays[name], modal_shape)) for name in arrays.files}
    humidity = values.pop("specific_humidity")
    return State(**values, tracers={"specific_humidity": humidity}, sim_time=jnp.float32(0))


def _padded(spectrum: NDArray[np.float32], modal_shape: tuple[int, int]) -> NDArray[np.float32]:
    """(layer, m, n) with zeros for the shorter waves, which come last in both."""
    missing = [after - before for before, after in zip(spectrum.shape[1:], modal_shape, strict=True)]
    return np.pad(spectrum, ((0, 0), (0, missing[0]), (0, missing[1])))


def _fields(chunk: Any) -> dict[str, NDArray[np.float32]]:
    """(time, [level,] latitude, longitude) arrays in SI units of one chunk, north to south."""
    state, physics = chunk.dynamics, chunk.physics
    flux, cloud = physics["_surface_flux"], physics["_shortwave_rad"]
    raw = {
        "eastward_wind": state.u_wind,
        "northward_wind": state.v_wind,
        "temperature": state.temperature,
        "specific_humidity": state.specific_humidity,
        "geopotential": state.geopotential,
        "surface_pressure": state.normalized_surface_pressure * REFERENCE_PRESSURE,
        "near_surface_eastward_wind": flux.u0,
        "near_surface_northward_wind": flux.v0,
        "near_surface_temperature": flux.t0,
        "skin_temperature": flux.tskin,
        "downwelling_longwave": flux.rlds,
        "cloud_fraction": cloud.cloudc,
        "convective_precipitation_rate": physics["_convection"].precnv * 1e-3,  # g to kg m-2 s-1
        "stratiform_precipitation_rate": physics["_condensation"].precls * 1e-3,
    }
    return {
        name: np.ascontiguousarray(np.swapaxes(np.asarray(values), -1, -2)[..., ::-1, :])
        for name, values in raw.items()
    }


def shipped_restart() -> bytes:
    """The state at RESTART_TIME that ships with the project."""
    return (Path(__file__).parent / "data" / "restart.npz").read_bytes()


def spin_up(output: Path) -> None:
    """Run SPIN_UP_DAYS from rest to RESTART_TIME and write the restart file."""
    start = RESTART_TIME - timedelta(days=SPIN_UP_DAYS)
    model = SpeedyModel(start)
    for _ in model.run(start, SPIN_UP_DAYS * 24, every_hours=24):
        pass
    output.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(output, **model.restart())  # type: ignore[arg-type]


if __name__ == "__main__":
    spin_up(Path(sys.argv[1]))
