"""What Fortran source declares of its namelists: the groups' variables, their types, and members of derived types."""

from __future__ import annotations

import re
from collections.abc import Iterator

Kinds = dict[str, tuple[str, bool]]
"""Type, and whether it is an array, by name."""
STRUCTURE = "structure"
"""The type of a variable that takes the members of a derived type one after the other."""
_DECLARATION = re.compile(r"(integer|real|logical|character|type *\( *(\w+) *\))([^:]*)::(.*)")
_NAMELIST = re.compile(r"namelist */ *(\w+) */(.*)")
_TYPE, _END_TYPE = re.compile(r"type +(\w+)$"), re.compile(r"end *type")
_OUTSIDE_BRACKETS = r",(?![^(]*\))"


def declared_in_fortran(text: str) -> dict[tuple[str, str], tuple[str, bool]]:
    """Type and whether it takes many values of each variable of each namelist, by group and name in lower case.

    Members of a derived type are `variable%member`, and a type without types in it may be set as a whole, too.
    ValueError for a variable that is declared nowhere.
    """
    types: dict[str, Kinds] = {}
    known: Kinds = {}
    groups: dict[str, list[str]] = {}
    inside = known
    for statement in _statements(text):
        if begin := _TYPE.match(statement):
            inside = types.setdefault(begin[1], {})
        elif _END_TYPE.match(statement):
            inside = known
        elif declaration := _DECLARATION.match(statement):
            many = "dimension" in declaration[3]
            for name in re.split(_OUTSIDE_BRACKETS, declaration[4].partition("=")[0]):
                word, _, bracket = name.strip().partition("(")
                inside[word.strip()] = (declaration[2] or declaration[1], many or bool(bracket))
        elif namelist := _NAMELIST.match(statement):
            groups[namelist[1]] = [name.strip() for name in namelist[2].split(",")]
    absent = [name for names in groups.values() for name in names if name not in known]
    if absent:
        raise ValueError(f"expected declarations of the namelists' variables; found none of {', '.join(absent)}")
    return {
        (group, path): kind
        for group, names in groups.items()
        for name in names
        for path, kind in _flat(name, *known[name], types)
    }


def _flat(name: str, kind: str, many: bool, types: dict[str, Kinds]) -> Iterator[tuple[str, tuple[str, bool]]]:
    if kind not in types:
        yield name, (kind, many)
        return
    if not any(member in types for member, _ in types[kind].values()):
        yield name, (STRUCTURE, True)
    for member, (member_kind, member_many) in types[kind].items():
        yield from _flat(f"{name}%{member}", member_kind, member_many, types)


def _statements(text: str) -> Iterator[str]:
    """Lines in lower case without comments and lines of the preprocessor, continued ones as one."""
    before = ""
    for line in text.splitlines():
        line = line.split("!")[0].strip().lower()
        if not line or line.startswith("#"):
            continue
        line = before + line.lstrip("&")
        before = line[:-1] if line.endswith("&") else ""
        if not before:
            yield line
