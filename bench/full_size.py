"""The ensemble at full size on the GPU that is here: measured, modelled and floor, and what a cycle costs.

`python -m bench.full_size` steps FourCastNet's network (26 x 720 x 1440) by precision and members of a batch, runs 31
members 60 steps through the stage `integrate` into a folder, half as far before that to see what memory does, and
earth2studio's `run.ensemble` beside it. Random weights are fine for speed. Without a GPU it prints what to expect.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.ensemble import theirs
from models import weights
from models.afno import Afno, Shape
from models.device import name_of
from models.emulator import FourCastNet
from models.perturbation import BREEDING_STEPS
from pipeline import journal, paths
from pipeline.config import Config, FourCastNetConfig
from pipeline.cost import read_prices
from pipeline.cycle import Cycle
from pipeline.journal import Job
from pipeline.sources.fourcastnet import PARAMETERS, STEP_HOURS
from pipeline.steps import Deployment, integrate, member_statistics
from pipeline.steps.initial_state import NEWEST, RECORD, STATE

VARIABLES = (
    "u10m", "v10m", "t2m", "sp", "msl", "t850", "u1000", "v1000", "z1000", "u850", "v850", "z850", "u500", "v500",
    "z500", "t500", "z50", "r500", "r850", "tcwv", "u100m", "v100m", "u250", "v250", "z250", "t250",
)  # fmt: skip
"""Of the vendor's FCN, in its order."""
FULL = Shape(720, 1440, len(VARIABLES), patch=8, width=768, depth=12, blocks=8)
MEMBERS, STEPS, BATCHES = 30, 60, (1, 2, 4)
TERAFLOP = 1.99
"""Of a member-step of FULL."""
FLOOR_MS = {"H200": 4.4, "L40S": 15.1}
"""A member-step's serial kernels at 70 % of the peak in bfloat16 and 85 % of the bandwidth, truncated transform."""
EXPECTED_MS = {"H200": 6.0, "L40S": 22.0}
THEIR_MEMBERS, THEIR_STEPS = 2, 10
HOUR = Cycle.parse("2025-09-05T00")


@dataclass(frozen=True)
class Circumstances:
    """What a cycle on a g6e.xlarge meets: `ms` a member-step, seconds to start, network in Gbit/s, and core seconds of
    a member's noise, which the host draws."""

    ms: float
    start_seconds: float
    network: float
    noise_seconds: float

    def seconds(self) -> dict[str, float]:
        """Of each part of a cycle; output goes on beside computing."""
        parts = {
            "start": self.start_seconds,
            "noise": MEMBERS * self.noise_seconds,
            "computing": member_steps() * self.ms / 1e3,
            "output": 8 * sum(output_bytes().values()) / self.network / 1e9,
        }
        return parts | {"cycle": parts["start"] + parts["noise"] + max(parts["computing"], parts["output"])}


FLOOR = Circumstances(FLOOR_MS["L40S"], 30, 20, 0.1)
EXPECTED = Circumstances(EXPECTED_MS["L40S"], 60, 2.5, 0.3)
"""Of the network the share that a g6e.xlarge always has."""


def member_steps() -> int:
    """Of all members' runs, and of breeding."""
    return (MEMBERS + 1) * STEPS + (MEMBERS + 1) * BREEDING_STEPS


def output_bytes() -> dict[str, float]:
    """Of packed members, statistics over them, and states to go on from."""
    cells, every = FULL.rows * FULL.columns, FourCastNetConfig().checkpoint_steps
    maps = len(member_statistics.of_ordered(np.zeros((2, len(PARAMETERS), 1, 1))))
    return {
        "members": 2.0 * cells * (MEMBERS + 1) * len(PARAMETERS) * (STEPS + 1),
        "statistics": 2.0 * cells * maps * (STEPS + 1),
        "states": 4.0 * cells * (MEMBERS + 1) * FULL.channels * ((STEPS - 1) // every),
    }


def single_steps(shape: Shape, device: torch.device, steps: int = 20) -> Iterator[dict[str, object]]:
    """Milliseconds a member-step of our loop, peak memory, and error of a step, in each precision and by the members of
    a batch."""
    package = _package(shape)
    models = {
        ("float32", 1): FourCastNet(package, device),
        **{("bfloat16", batch): FourCastNet(package, device, batch, torch.bfloat16) for batch in BATCHES},
    }
    if device.type == "cuda":
        fused = replace(package, network=cast(Afno, torch.compile(package.network)))
        models["bfloat16, compiled", 1] = FourCastNet(fused, device, 1, torch.bfloat16)
    state = torch.randn(1, shape.channels, shape.rows, shape.columns, device=device)
    reference = None
    for (name, batch), model in models.items():
        torch.set_float32_matmul_precision("highest" if name == "float32" else "high")
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        states = state.repeat(batch, 1, 1, 1)
        run = itertools.islice(model.steps(states, start=HOUR.init_time, seeds=range(batch)), 1, None)
        found = next(run)[:1]
        reference = found if reference is None else reference
        ms = 1e3 * _seconds(run, steps, device) / steps / batch
        peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else float("nan")
        wrong = float((found - reference).norm() / reference.norm())
        yield {"precision": name, "batch": batch, "ms": ms, "peak_gib": peak, "error_to_float32": wrong}


def _package(shape: Shape) -> weights.Package:
    torch.manual_seed(0)
    nothing = np.zeros(shape.channels, np.float32)
    return weights.Package(Afno(shape).eval(), VARIABLES[: shape.channels], nothing, nothing + 1)


def _seconds(run: Iterator[torch.Tensor], steps: int, device: torch.device) -> float:
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    began = time.perf_counter()
    for _ in range(steps):
        next(run)
    wait()
    return time.perf_counter() - began


def whole_loop(shape: Shape, members: int, steps: int, folder: Path) -> tuple[Job, float]:
    """How the stage `integrate` used the machine for 1 + `members` members, and the seconds of all of it: breeding,
    steps, statistics and every byte written into the folder."""
    checksum = weights.write(folder / "package", _package(shape))
    settings = {
        "package": str(folder / "package"), "weights_sha256": [checksum], "members": members,
        "enough_members": members,
    }  # fmt: skip
    config = {
        "store": f"file://{folder / str(steps)}", "synthetic": True, "grid_resolution": 360 / shape.columns,
        "last_lead_hours": STEP_HOURS * steps, "sources": {"gdas": {}, "fourcastnet": {}}, "fourcastnet": settings,
    }  # fmt: skip
    deployment = Deployment.open(Config.model_validate(config))
    group = zarr.create_group(deployment.store.zarr(paths.work(HOUR, STATE)))
    group.create_array(NEWEST, data=_noise(shape))
    record = {"init_time": HOUR.init_time.isoformat(), "files": []}
    deployment.store.write(paths.work(HOUR, RECORD), json.dumps(record).encode())
    began = time.perf_counter()
    for shard in integrate.shards(deployment, HOUR):
        integrate.run(deployment, HOUR, shard)
    (job,) = journal.jobs(deployment.store, HOUR)
    return job, time.perf_counter() - began


def _noise(shape: Shape) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((shape.channels, shape.rows, shape.columns), np.float32)


def their_seconds(shape: Shape, members: int, steps: int, folder: Path, device: torch.device) -> float:
    """Of earth2studio's `run.ensemble` into its Zarr backend, a member-step."""
    checksum = weights.write(folder / "package", _package(shape))
    call = theirs(folder, checksum, _noise(shape)[None], members, steps, device)
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) / members / steps


def expected_table() -> Table:
    """Floors and models of a member-step, and of a cycle on a g6e.xlarge."""
    table = Table("1 + 30 members, 60 steps, bred", "floor", "expected", title="modelled; docs/ensemble.md says how")
    for name, floor in FLOOR_MS.items():
        table.add_row(f"a member-step on an {name}", f"{floor:.1f} ms", f"{EXPECTED_MS[name]:.1f} ms")
    parts = zip(FLOOR.seconds().items(), EXPECTED.seconds().values(), strict=True)
    for (part, floor), expected in parts:
        table.add_row(f"{part} on a g6e.xlarge", f"{floor:.0f} s", f"{expected:.0f} s")
    for name, item in (("on demand", "g6e.xlarge"), ("Spot", "g6e.xlarge spot")):
        hourly = read_prices("us-east-1")[item].dollars
        cycles = [hourly * found.seconds()["cycle"] / 3600 for found in (FLOOR, EXPECTED)]
        table.add_row(f"a cycle, {name} (${hourly}/h)", *(f"${dollars:.3f}" for dollars in cycles))
        table.add_row(f"four cycles a day, {name}", *(f"${4 * dollars:.2f}" for dollars in cycles))
    return table


def measured_lines(device: torch.device, folder: Path) -> Iterator[str]:
    """One line a measurement, as it is made."""
    name = next((name for name in FLOOR_MS if name in name_of(device)), None)
    beside = f"floor {FLOOR_MS[name]} ms, expected {EXPECTED_MS[name]} ms" if name else "no floor known"
    yield f"{name_of(device)}: {beside} a member-step"
    for row in single_steps(FULL, device):
        yield json.dumps(row | {"teraflop_s": 1e3 * TERAFLOP / cast(float, row["ms"])})
    for steps in (STEPS // 2, STEPS):
        job, seconds = whole_loop(FULL, MEMBERS, steps, folder)
        yield (
            f"integrate, 1 + {MEMBERS} members, {steps} steps: {seconds:.1f} s, {job.seconds:.1f} s of them steps and "
            f"output, device busy {job.busy / job.seconds:.0%}, {1e3 * job.seconds / job.member_steps:.1f} ms a "
            f"member-step, host {job.host_mib:.0f} MiB, device {job.device_mib:.0f} MiB"
        )
    other = their_seconds(FULL, THEIR_MEMBERS, THEIR_STEPS, folder, device)
    ours = job.seconds / job.member_steps
    yield f"earth2studio's run.ensemble: {1e3 * other:.1f} ms a member-step, {other / ours:.1f} times ours"


def main(console: Console, lines: Sequence[str] | Iterator[str]) -> None:
    """Print what to expect, then each measurement."""
    console.print(expected_table())
    for line in lines:
        console.print(line, soft_wrap=True)


if __name__ == "__main__":
    if not torch.cuda.is_available():
        main(Console(), ["no GPU here, so nothing is measured: run the same command on one"])
        sys.exit()
    with tempfile.TemporaryDirectory() as scratch:
        main(Console(), measured_lines(torch.device("cuda"), Path(scratch)))
