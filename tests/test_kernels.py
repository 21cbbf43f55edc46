"""The table of kernels that are compiled ahead fits the kernels there are."""

from __future__ import annotations

from importlib import import_module

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
