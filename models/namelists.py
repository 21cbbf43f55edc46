"""Fortran namelists of the physics models: read, written, and checked against what the models know.

`namelists.csv` has one row a variable: what the models' registries declare (`registries.py` renews it from them;
`source` names the registry and its release or commit), with narrower ranges from the namelists and templates that the
models ship. A row without a source is in those alone. `many` marks a value a domain, or a list.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any

import f90nml
import numpy as np

Namelist = Mapping[str, Mapping[str, Any]]
_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "real": (int, float),
    "logical": (bool,),
    "character": (str, bool),  # WAVEWATCH III's T and F are characters of a forcing
    "structure": (int, float, bool, str),  # the members of a derived type, one after the other
}


class NamelistError(ValueError):
    """A namelist that the model would refuse; the message says which variable, what was expected and what found."""


@dataclass(frozen=True)
class Variable:
    """What a model takes for a variable; `choices` are in lower case, empty if any value in the range will do."""

    type: str
    many: bool
    minimum: float
    maximum: float
    choices: tuple[str, ...]


@cache
def variables(file: str) -> dict[str, dict[str, Variable]]:
    """The variables of a namelist file by group and name, both in lower case; KeyError for an unknown file."""
    table: dict[str, dict[str, Variable]] = {}
    with resources.files(__package__).joinpath("namelists.csv").open(encoding="utf-8") as text:
        for row in csv.DictReader(text):
            if row["file"] == file:
                table.setdefault(row["group"], {})[row["name"]] = _variable(row)
    if not table:
        raise KeyError(f"no table of the namelist {file!r}")
    return table


def _variable(row: Mapping[str, str]) -> Variable:
    return Variable(
        row["type"],
        row["many"] == "yes",
        float(row["minimum"] or -np.inf),
        float(row["maximum"] or np.inf),
        tuple(choice for choice in row["choices"].split("|") if choice),
    )


def read(path: Path) -> f90nml.Namelist:
    """The groups of a namelist file, names in lower case; NamelistError if it is none."""
    try:
        return f90nml.read(path)
    except (AssertionError, AttributeError, ValueError, StopIteration, IndexError) as error:
        raise NamelistError(f"{path}: expected Fortran namelists; {error or 'a group or a value is broken'}") from None


def text(namelist: Namelist) -> str:
    """The namelist as its model reads it: what `read` makes of it is the same again."""
    out = StringIO()
    f90nml.Namelist(namelist).write(out, sort=False)
    return out.getvalue()


def check(file: str, namelist: Namelist) -> None:
    """NamelistError for the first variable of a `file` such as namelist.input that its model would refuse.

    Groups without variables may have any name: the models skip them.
    """
    table = variables(file)
    for group, body in namelist.items():
        if not body:
            continue
        if group.lower() not in table:
            raise NamelistError(f"{file}: unknown group &{group}; {_near(group, table)}")
        for name, value in _flat(body):
            if name not in table[group.lower()]:
                raise NamelistError(f"{file}: unknown variable {name} in &{group}; {_near(name, table[group.lower()])}")
            _check_value(f"{file}: {name}", table[group.lower()][name], value)


def _flat(body: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Members of derived types as `type%member`."""
    for name, value in body.items():
        members = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Mapping)]
        for one in members:
            yield from _flat(one, f"{prefix}{name.lower()}%")
        if not members:
            yield prefix + name.lower(), value


def _check_value(where: str, variable: Variable, value: Any) -> None:
    values: list[Any] = value if isinstance(value, list) else [value]
    if len(values) > 1 and not variable.many:
        raise NamelistError(f"{where}: expected one value; found {len(values)}")
    for one in values:
        if one is None:  # left out between commas: the model keeps its default
            continue
        logical = isinstance(one, bool) and bool not in _TYPES[variable.type]
        if logical or not isinstance(one, _TYPES[variable.type]):
            raise NamelistError(f"{where}: expected {variable.type}; found {one!r}")
        if variable.choices and _word(one) not in variable.choices:
            raise NamelistError(f"{where}: expected one of {', '.join(variable.choices)}; found {one!r}")
        if isinstance(one, (int, float)) and not variable.minimum <= one <= variable.maximum:
            raise NamelistError(f"{where}: expected {variable.minimum:g} to {variable.maximum:g}; found {one!r}")


def _word(value: Any) -> str:
    return str(value).lower()[:1] if isinstance(value, bool) else str(value).strip().lower()


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(name.lower(), known, n=3)
    return f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(sorted(known)[:8])} and others"
