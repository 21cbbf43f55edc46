"""Compiles the kernels before their first use; they stay in numba's cache, beside the modules.

`kernels.csv` says which and for what types: those that an hour of the demo has asked for. Set-up compiles them, and the
world's dynamical core, as it would the C of another package; where kernels have changed since, the demo does, on
another core than the nature run's. A kernel that is not in the table is compiled where it is first called. To make the
table again from the cache of a demo:

    NUMBA_CACHE_DIR=/tmp/kernels make demo
    NUMBA_CACHE_DIR=/tmp/kernels .venv/bin/python -m pipeline.kernels table > kernels.csv && mv kernels.csv pipeline
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module, resources
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from numba import types
from numba.core.registry import CPUDispatcher

import pipeline

_PACKAGES = ("products", "science", "sources", "world")


def compile_all() -> None:
    """Compile every kernel of the table; ValueError names one that does not fit it any more."""
    for row in table():
        compile_one(row)


def compile_one(row: tuple[str, str, str]) -> None:
    """Compile one row of the table, unless numba's cache holds it; ValueError if its kernel does not fit it."""
    module, name, signature = row
    kernel = getattr(import_module(module), name, None)
    arguments = eval(f"({signature},)", vars(types))  # the types' own representation
    if not isinstance(kernel, CPUDispatcher) or len(arguments) != kernel.py_func.__code__.co_argcount:
        raise ValueError(f"{module}.{name} has changed; make kernels.csv again, see pipeline/kernels.py")
    kernel.compile(arguments)


def table() -> list[tuple[str, str, str]]:
    """(module, kernel, types of its arguments) in the order of the table."""
    text = resources.files("pipeline").joinpath("kernels.csv").read_text(encoding="utf-8")
    return [(module, name, signature) for module, name, signature in csv.reader(text.splitlines())]


def cached() -> Iterator[tuple[str, str, str]]:
    """The rows of a table of what numba's cache holds, without kernels that only others call."""
    kernels: dict[tuple[str, str], Any] = {}
    for package in _PACKAGES:
        for info in walk_packages([f"{pipeline.__path__[0]}/{package}"], f"pipeline.{package}."):
            found = vars(import_module(info.name)).items()
            own = {name: value for name, value in found if isinstance(value, CPUDispatcher)}
            kernels |= {(info.name, name): k for name, k in own.items() if k.py_func.__module__ == info.name}
    inner = {name for kernel in kernels.values() for name in kernel.py_func.__code__.co_names}
    for (module, name), kernel in kernels.items():
        if name not in inner:
            for key in kernel._cache._cache_file._load_index():  # numba tells it nowhere else
                signature = ", ".join(repr(part) for part in key[0])
                yield module, name, signature.replace(", False, aligned=True", "").replace(", aligned=True", "")


def main(command: str) -> None:
    """`compile` the table's kernels and the dynamical core, or the `kernels` alone; or print the `table` of those in
    numba's cache."""
    if command == "kernels":
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_one, table()))
    elif command == "table":
        rows = sorted(cached(), key=_slow_first)
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
    else:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            core = pool.submit(_compile_core)
            list(pool.map(compile_one, table()))
            core.result()


def _compile_core() -> None:
    """Run the world's dynamical core for one chunk: XLA keeps what it compiles."""
    from models.dycore import CHUNK_HOURS
    from pipeline.world import nature

    with tempfile.TemporaryDirectory() as scratch:
        nature.run(Path(scratch), CHUNK_HOURS // 24)


def _slow_first(row: tuple[str, str, str]) -> tuple[bool, tuple[str, str, str]]:
    """Sorting networks take half a minute each: first, so that no core has to wait for another's at the end."""
    return "probability" not in row[0], row


if __name__ == "__main__":
    main(*sys.argv[1:])
