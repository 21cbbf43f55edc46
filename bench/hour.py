"""`hour_slice`: the stage `forecast` itself over the whole globe at 0.25 degrees, on one and on two dask workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

from bench import hour_inputs
from bench.measure import memory, reset_peak
from bench.stopwatch import Stopwatch
from pipeline import paths
from pipeline.config import Config
from pipeline.products import layout
from pipeline.science import consistency, solar
from pipeline.science.derive import catalogue as derive
from pipeline.steps import Deployment, blending, distribution, forecast, input_reader, inputs, validate
from pipeline.steps.input_reader import InputRun
from pipeline.steps.runs import contribution
from pipeline.store import Store

FOLDER = Path("build/bench")
Record = dict[str, Any]
STEPS = (
    "read", "decode", "weights", "align", "blend", "ramp", "consistency", "derive", "probability",
    "encode", "write", "other",
)  # fmt: skip


def hour_slice(speed: Mapping[str, float]) -> list[Record]:
    """One record a number of workers; each worker computes on one thread, and each has the whole globe to itself."""
    config = hour_inputs.write(FOLDER)
    records = [_record(_run(config, workers), speed) for workers in (1, 2)]
    for clock in ("seconds", "core_seconds"):
        records[1][f"weak_scaling_by_{clock}"] = round(records[0][clock] / records[1][clock], 3)
    return records


def _run(config: Path, workers: int) -> list[Record]:
    """What each worker says of its tiles."""
    threads = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, memory_limit="2GiB", env=threads,
        local_directory=str(FOLDER / "dask"),
    )  # fmt: skip
    with cluster, Client(cluster) as client:
        addresses = list(client.scheduler_info()["workers"])
        client.gather([_submit(client, tiles, config, address, 1) for address in addresses])  # compiles, warms up
        return list(client.gather([_submit(client, tiles, config, address, None) for address in addresses]))


def _submit(client: Client, task: Any, config: Path, address: str, most: int | None) -> Any:
    return client.submit(task, str(config.resolve()), most, workers=[address], pure=False)


def tiles(config: str, most: int | None) -> Record:
    """Make the tiles of the hour (the first `most`) in this process; their time by step, bytes and peak memory."""
    hour_inputs.add_source()
    deployment = Deployment.open(Config.read(config))
    shards = forecast.shards(deployment, hour_inputs.HOUR)[:most]
    bytes_of: Counter[str] = Counter()
    reset_peak()
    start = perf_counter()
    with Stopwatch("other") as watch:
        _wrap(watch, bytes_of)
        for shard in shards:
            forecast.run(deployment, hour_inputs.HOUR, shard)
    seconds, peak, before = perf_counter() - start, memory("VmHWM"), thread_time()
    for shard in shards:
        validate.run(deployment, hour_inputs.HOUR, shard)
    return {
        "seconds": seconds, "split": dict(watch.seconds), "bytes": dict(bytes_of), "peak": peak,
        "validate": thread_time() - before,
    }  # fmt: skip


def _wrap(watch: Stopwatch, bytes_of: Counter[str]) -> None:
    def output(values: Any, *_: Any) -> None:
        bytes_of["output"] += values.nbytes

    def stored(_: Any, __: Any, data: bytes) -> None:
        bytes_of["stored"] += len(data)

    for owner, name, label in (
        (Store, "read", "read"), (input_reader, "_decoded", "decode"), (blending, "read_weights", "weights"),
        (distribution, "read_weights", "weights"), (inputs, "to_hours", "align"), (blending, "blend", "blend"),
        (forecast, "blend_parameter", "blend"), (forecast, "blend_all", "ramp"), (solar, "sun", "derive"),
        (consistency, "apply", "consistency"), (derive, "derive", "derive"),
        (forecast, "distribution_of", "probability"), (layout, "join", "encode"),
    ):  # fmt: skip
        watch.wrap(owner, name, label)
    watch.wrap(layout, "encode_chunks", "encode", output)
    watch.wrap(Store, "write", "write", stored)


def _record(results: list[Record], speed: Mapping[str, float]) -> Record:
    workers, seconds = len(results), max(result["seconds"] for result in results)
    split = {step: round(float(np.mean([result["split"].get(step, 0.0) for result in results])), 3) for step in STEPS}
    output = sum(result["bytes"]["output"] for result in results)
    stored = sum(result["bytes"]["stored"] for result in results)
    read, decoded = _input_bytes()
    core_seconds = sum(split.values())
    return {
        "name": "hour_slice",
        "implementation": "hourcast" if workers == 1 else f"hourcast_{workers}_workers",
        "work": f"8 sources, 30 members, 3 parameters, 24 leads at 0.25 degrees on {workers} worker(s) of one thread",
        "seconds": round(seconds, 3),
        "core_seconds": round(core_seconds, 3),
        "runs": 1,
        "bandwidth_fraction": round((workers * decoded + output) / speed["read"] / seconds, 4),
        "peak_memory_bytes": max(result["peak"] for result in results),
        "output_megabytes_per_second_a_core": round(output / workers / core_seconds / 1e6, 1),
        "output_megabytes_per_second_a_worker": round(output / workers / seconds / 1e6, 1),
        "input_bytes": decoded,
        "input_stored_bytes": read,
        "output_bytes": output // workers,
        "output_stored_bytes": stored // workers,
        "arrays": _arrays(),
        "seconds_by_step": split,
        "validate_seconds": round(max(result["validate"] for result in results), 3),
        "synthetic": True,
    }


def _arrays() -> dict[str, int]:
    """Fields (lead, latitude, longitude) of the hour that was made: best, quantiles, exceedances."""
    deployment, found = Deployment.open(Config.read(FOLDER / "forecast.yaml")), Counter[str]()
    for zarr in ("best.zarr", "probability.zarr"):
        metadata = layout.array_metadata(deployment.store, paths.forecast(hour_inputs.HOUR, zarr))
        for name, array in metadata.items():
            if layout.is_tiled(array):
                kind = name.rsplit("_", 1)[-1] if zarr == "probability.zarr" else "best"
                found[kind] += int(np.prod(array["shape"][:-3]))
    return dict(found)


def _input_bytes() -> tuple[int, int]:
    """Bytes of the inputs of an hour as they are stored, and decoded."""
    deployment = Deployment.open(Config.read(FOLDER / "forecast.yaml"))
    keys = ["inputs", paths.ensemble(hour_inputs.HOUR, "gefs")]
    read = sum(item.size for key in keys for item in deployment.store.list(key) if "/c." in item.key)
    places, steps = deployment.grid.places[0].size, 0
    for name in (*hour_inputs.HOURLY, *hour_inputs.THREE_HOURLY):
        part = contribution(deployment, name, hour_inputs.HOUR)
        if part is not None:
            steps += len(InputRun(deployment.store.child(paths.input_zarr(name, part.cycle))).leads)
    members = hour_inputs.MEMBERS * (1 + -(-hour_inputs.LEADS // 6))
    return read, 4 * places * (steps + members) * len(hour_inputs.PARAMETERS)
