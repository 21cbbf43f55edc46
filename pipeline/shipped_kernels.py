"""Numba's cache where it cannot be written to: an image ships what was compiled when it was built.

Numba asks for this class where `NUMBA_CACHE_LOCATOR_CLASSES` names it. A cache must be writable, for a kernel that was
not foreseen is compiled when it is called; so a module's kernels are copied to `NUMBA_CACHE_DIR` when it is imported.
They run on any processor that knows the instructions of `NUMBA_CPU_NAME`: numba keeps that name beside them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from numba.core.caching import UserProvidedCacheLocator


class ShippedCacheLocator(UserProvidedCacheLocator):
    """The folder of a module under `NUMBA_CACHE_DIR`, begun as a copy of that under `HOURCAST_KERNELS`."""

    def ensure_cache_path(self) -> None:
        """Make the folder whole at once: several processes may begin together."""
        folder = Path(self.get_cache_path())
        shipped = Path(os.environ["HOURCAST_KERNELS"], folder.name)
        if not folder.exists() and shipped.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            copied = Path(tempfile.mkdtemp(dir=folder.parent))
            shutil.copytree(shipped, copied, dirs_exist_ok=True)
            with suppress(OSError):  # another process was first
                copied.rename(folder)
        super().ensure_cache_path()
