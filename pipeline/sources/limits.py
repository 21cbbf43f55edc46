"""What reading of foreign bytes may take of a machine."""

from __future__ import annotations

import mmap
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DATA = 5
"""Place of data and stack, in pages, among the numbers of `/proc/self/statm`."""


@contextmanager
def memory_limit(mib: int) -> Iterator[None]:
    """MemoryError in the block for what asks for more than so much beyond what the process has.

    A limit is a process's, so a worker sets it that does one thing at a time, in its main thread; elsewhere, as where
    the system knows no such limits, whoever runs the workers watches over them.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        yield
        return
    import resource

    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    held = int(Path("/proc/self/statm").read_text().split()[_DATA]) * mmap.PAGESIZE
    allowed = held + mib * 2**20
    if most != resource.RLIM_INFINITY:
        allowed = min(allowed, most)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))
