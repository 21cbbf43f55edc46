"""What derivation knows of a formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature

from pipeline.science.derive.thermo import Field


@dataclass(frozen=True)
class Formula:
    """How a parameter follows from others; `optional` inputs may be missing."""

    compute: Callable[..., Field]
    inputs: tuple[str, ...]
    optional: tuple[str, ...] = ()


def by_name(*functions: Callable[..., Field]) -> dict[str, Formula]:
    """The formulas of functions that are named as their result, with arguments named as their inputs."""
    formulas = {}
    for function in functions:
        arguments = signature(function).parameters.values()
        needed = tuple(argument.name for argument in arguments if argument.default is argument.empty)
        optional = tuple(argument.name for argument in arguments if argument.default is not argument.empty)
        formulas[function.__name__] = Formula(function, needed, optional)
    return formulas
