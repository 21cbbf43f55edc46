"""The device that a job was given: whether it is fit for work, how busy it is, and how values leave it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SIZE = 2048  # of the matrices that are multiplied
TOLERANCE = 1e-2  # of their product, relative, in TF32
_WARM_UP = 3  # calls before a graph is captured, as torch's own functions make
CORE_SPEED = 1e11  # operations s-1 of a core in float32, as FourCastNet's 13 s a step on two cores
LONGEST_HOURS = 1.0
LEAST_BANDWIDTH = 50e9  # bytes s-1 of copies on a GPU; a healthy one has ten times as much


class DeviceError(RuntimeError):
    """The device is not fit for work; the message says why."""


def healthy_device(operations: float = 0) -> torch.device:
    """The GPU if there is one, after a check; else the CPU.

    operations: floating-point ones of the work to come. DeviceError if the GPU fails its check, or if there is none and
    a core would be at work for more than LONGEST_HOURS.
    """
    if not torch.cuda.is_available():
        hours = operations / CORE_SPEED / 3600
        if hours > LONGEST_HOURS:
            raise DeviceError(
                f"no GPU here, and a core would take some {hours:.0f} hours: run it on a machine whose GPU nvidia-smi "
                "lists and for which torch was built, or take fewer members or a smaller model"
            )
        return torch.device("cpu")
    device = torch.device("cuda")
    check(device)
    return device


def check(device: torch.device, *, size: int = SIZE, least_bandwidth: float = LEAST_BANDWIDTH) -> None:
    """Allocate, multiply, compare with a CPU's product, copy; DeviceError says what went wrong."""
    generator = torch.Generator().manual_seed(1)
    one, other = (torch.rand(size, size, generator=generator) for _ in range(2))
    try:
        found = (one.to(device) @ other.to(device)).cpu()
        wrong = float(((found - one @ other) / (one @ other)).abs().max())
        copied = torch.empty(64 * size * size // 16, device=device)
        began = time.perf_counter()
        for _ in range(4):
            copied = copied.clone()
        if device.type == "cuda":
            torch.cuda.synchronize()
        bandwidth = 8 * copied.nbytes / (time.perf_counter() - began)
    except RuntimeError as error:
        raise DeviceError(f"{device} cannot allocate or multiply ({error}); replace the machine") from error
    if wrong > TOLERANCE:
        raise DeviceError(f"{device} multiplies wrongly by {wrong:.2g}; replace the machine")
    if bandwidth < least_bandwidth:
        raise DeviceError(f"{device} copies {bandwidth / 1e9:.1f} GB/s where {least_bandwidth / 1e9:g} are the least")


def leaving(values: Tensor) -> Callable[[], NDArray[np.generic]]:
    """Begin to copy values to the host; the function waits for them and may be called by another thread.

    From a GPU into pinned memory and on a stream of its own, so that the device goes on computing; torch gives neither
    memory to others before the copy is done and both have let it go.
    """
    if values.device.type != "cuda":
        return values.numpy
    there = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    stream, done = _copies(values.device), torch.cuda.Event()
    stream.wait_stream(torch.cuda.current_stream(values.device))
    with torch.cuda.stream(stream):
        there.copy_(values, non_blocking=True)
        done.record()
    values.record_stream(stream)

    def wait() -> NDArray[np.generic]:
        done.synchronize()
        return there.numpy()

    return wait


@cache
def _copies(device: torch.device) -> torch.cuda.Stream:
    """The stream on which values leave the device."""
    return torch.cuda.Stream(device)


def graphed(call: Callable[[Tensor], Tensor], like: Tensor) -> Callable[[Tensor], Tensor]:
    """The same function of tensors like this one as a CUDA graph; what it returns is overwritten by the next call.

    A step of FourCastNet is some 600 kernels. Asked for one by one they take the host about as long as an H200 takes
    to compute them, and longer while another thread writes; as a graph they are asked for at once.
    """
    given, stream = like.clone(), torch.cuda.Stream(like.device)
    stream.wait_stream(torch.cuda.current_stream(like.device))
    with torch.cuda.stream(stream):  # libraries choose their kernels and memory before the capture
        for _ in range(_WARM_UP):
            call(given)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        made = call(given)
    torch.cuda.current_stream(like.device).wait_stream(stream)

    def replay(values: Tensor) -> Tensor:
        given.copy_(values)
        graph.replay()
        return made

    return replay


class Stopwatch:
    """Adds up the seconds that a device works: on a GPU by its own clock, as work there begins later than asked for."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._began = device, time.perf_counter()
        self._busy = 0.0
        self._events: list[tuple[Any, Any]] = []

    @contextmanager
    def working(self) -> Iterator[None]:
        """What is asked of the device within the block counts."""
        if self._device.type == "cuda":
            began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            began.record()
            yield
            ended.record()
            self._events.append((began, ended))
        else:
            start = time.perf_counter()
            yield
            self._busy += time.perf_counter() - start

    def read(self) -> tuple[float, float]:
        """Seconds since the watch was made, and of them those in which the device worked; waits for the device."""
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        busy = self._busy + sum(began.elapsed_time(ended) / 1e3 for began, ended in self._events)
        return time.perf_counter() - self._began, busy


def name_of(device: torch.device) -> str:
    """Its maker's name for a GPU, else its type."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def peak_memory(device: torch.device) -> tuple[float, float]:
    """MiB that this process has held at most on the host, and on the device, 0 where that is the host."""
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return host, torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
