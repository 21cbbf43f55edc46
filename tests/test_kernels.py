"""The table of kernels that are compiled ahead fits the kernels there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from numba import types
from numba.core.registry import CPUDispatcher

from pipeline.kernels import table


def test_every_row_names_a_kernel_with_as_many_arguments() -> None:
    for module, name, signature in table():
        kernel = getattr(import_module(module), name)
        assert isinstance(kernel, CPUDispatcher), f"{module}.{name}"
        assert len(eval(f"({signature},)", vars(types))) == kernel.py_func.__code__.co_argcount, f"{module}.{name}"


def test_no_row_comes_twice() -> None:
    assert len(set(table())) == len(table()) > 0


CALL = """
import json, numpy as np
from pipeline.science.align_kernels import any_finite
any_finite(np.zeros((2, 2), np.float32))
stats = any_finite.stats
print(json.dumps([sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), stats.cache_path]))
"""


def called(**environment: str) -> tuple[int, int, str]:
    """How often a process found its kernel in numba's cache, and did not, and where that is."""
    done = subprocess.run(
        [sys.executable, "-c", CALL], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    hits, misses, path = json.loads(done.stdout)
    return hits, misses, path


def test_kernels_that_an_image_ships_are_not_compiled_again_and_others_are(tmp_path: Path) -> None:
    image, scratch = tmp_path / "image", tmp_path / "scratch"
    built = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert called(**built, NUMBA_CACHE_DIR=str(image))[:2] == (0, 1)
    shipped = {path.name: path.read_bytes() for path in image.rglob("*") if path.is_file()}
    runs = {
        "NUMBA_CACHE_DIR": str(scratch), "HOURCAST_KERNELS": str(image),
        "NUMBA_CACHE_LOCATOR_CLASSES": "pipeline.shipped_kernels.ShippedCacheLocator",
    }  # fmt: skip
    hits, misses, path = called(**built, **runs)
    assert (hits, misses, Path(path).parent) == (1, 0, scratch)
    assert called(**runs)[:2] == (0, 1), "for this processor there is none"
    assert shipped == {path.name: path.read_bytes() for path in image.rglob("*") if path.is_file()}
