"""Whether the device that a job was given is fit for work: a bad one is replaced, not suffered."""

from __future__ import annotations

import time

import torch

SIZE = 2048  # of the matrices that are multiplied
TOLERANCE = 1e-2  # of their product, relative, in TF32
LEAST_BANDWIDTH = 50e9  # bytes s-1 of copies on a GPU; a healthy one has ten times as much


class DeviceError(RuntimeError):
    """The device is not fit for work; the message says why."""


def healthy_device() -> torch.device:
    """The GPU if there is one, after a check; else the CPU. DeviceError if the GPU fails it."""
    if not torch.cuda.is_available():
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
