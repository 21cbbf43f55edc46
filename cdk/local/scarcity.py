"""What a job finds on a machine that has too little: a scratch disk without room, or too little memory."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import tempfile
import threading
import time
from pathlib import Path

DISK_BYTES = 8192
MEMORY_BYTES = 2**24
"""Beyond what a process has that has imported all stages."""
_OWN_MOUNTS, _PRIVATE = 0x20000, 0x44000
_EMPTY = "/mnt"
"""A folder that every machine has and no stage needs."""
_GROUPS = Path("/sys/fs/cgroup/memory")


def small_disk() -> None:
    """Let scratch files of this process lie on a small disk, where none may be mounted all its files be small."""
    system, size = ctypes.CDLL(None), f"size={DISK_BYTES}".encode()
    if (
        system.unshare(_OWN_MOUNTS) == 0
        and system.mount(b"none", b"/", None, _PRIVATE, None) == 0
        and system.mount(b"tmpfs", _EMPTY.encode(), b"tmpfs", 0, size) == 0
    ):
        tempfile.tempdir = _EMPTY
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (DISK_BYTES, DISK_BYTES))


def little_memory() -> None:
    """Let this process be killed for what it takes: by the kernel, or by itself where it may have no group of its own.

    A limit of the process is no use: there native code tries without end for what it is refused.
    """
    group = _group(os.getpid())
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(MEMORY_BYTES))
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        threading.Thread(target=_kill_above, args=(_resident() + MEMORY_BYTES,), daemon=True).start()


def _kill_above(limit: int) -> None:
    while _resident() < limit:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def forget(process: int | None) -> None:
    """Remove the group of a process that has ended, if it had one."""
    if process is not None and _group(process).exists():
        _group(process).rmdir()


def _group(process: int) -> Path:
    return _GROUPS / f"hourcast-job-{process}"
