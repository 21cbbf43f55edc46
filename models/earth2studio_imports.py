"""earth2studio imported as far as it is needed, in a quarter of the time, and without a GPU at all.

Its packages of models and of data sources import every one that there is, and with them most of torch's compilers.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

import torch

_CROWDED = ("earth2studio.models.px", "earth2studio.data")
_MISSING = "install it with `pip install 'hourcast[earth2studio]'`, for sfno and fcn3 also makani and torch-harmonics"
_OPERATORS = torch.library.Library("torchvision", "FRAGMENT")


@contextmanager
def imported() -> Iterator[None]:
    """Import parts of earth2studio in the block; ImportError that says what to install.

    It asks for the call stack with its source text at each package that it misses, where the names of files suffice;
    and physicsnemo imports a torchvision whose operators a torch for CPUs lacks.
    """
    if not torch.cuda.is_available() and not hasattr(torch.ops.torchvision, "nms"):
        for name in ("nms", "qnms"):
            _OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    stack = inspect.stack
    inspect.stack = partial(stack, 0)  # which has no frame of its own
    try:
        for package in _CROWDED:
            _put_off(package)
        yield
    except ImportError as error:
        raise ImportError(f"{error}; {_MISSING}") from error
    finally:
        inspect.stack = stack


def _put_off(package: str) -> None:
    """Let a package import what it names when it is asked for it; ImportError if there is no such package."""
    if package in sys.modules:
        return
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"No module named {package!r}")
    lines = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
    imports = [line for line in lines if isinstance(line, ast.ImportFrom)]
    places = {part.name: "." * line.level + (line.module or "") for line in imports for part in line.names}

    def named(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(places[name], package), name)

    module = module_from_spec(spec)
    module.__dict__["__getattr__"] = named
    sys.modules[package] = module
