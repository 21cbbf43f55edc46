"""What stands in for a conditional write where objects are files."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.store.errors import explained


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of the file; the kernel releases it when the process ends, however it ends. Raises StoreError."""
    with explained("write", lambda: f"file://{path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
