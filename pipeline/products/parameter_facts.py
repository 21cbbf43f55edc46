"""What is known of a parameter beyond its row: family, formula, what follows, what it is tied to, who delivers it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from pipeline import parameters
from pipeline.parameters import Parameter
from pipeline.science import consistency
from pipeline.science.consistency_ties import GROUPS, Tie
from pipeline.science.derive.catalogue import FORMULAS
from pipeline.science.derive.gradients import BY_NAME as GRADIENTS
from pipeline.sources import SOURCES

_MODULE = "pipeline.science.derive."
_BLENDED_FAMILIES = {
    "surface": "What the sources deliver near the ground and of the whole column",
    "land": "What the sources deliver of the land",
    "sea": "What the sources deliver of the sea",
    "levels": "What the sources deliver on pressure levels",
}
_GROUND = ("surface_altitude",)  # known of a place; its formula is for those of which it is not
_NEAR = 0.7  # likeness from which a word counts as misspelt


@dataclass(frozen=True)
class Relation:
    """What consistency makes hold between blended parameters; `moved` gives way, `trusted` does not; in words."""

    name: str
    moved: tuple[str, ...]
    trusted: tuple[str, ...]
    words: tuple[str, ...] = ()


def on_level(name: str) -> bool:
    """Whether the parameter is of a pressure level, or of a layer that begins or ends at one."""
    return "hpa" in name


def family(name: str) -> str:
    """The file of a formula; of a blended parameter `surface`, `land`, `sea` or `levels`."""
    if name in parameters.blended():
        domain = parameters.blended()[name].domain
        return domain if domain != "all" else "levels" if on_level(name) else "surface"
    return _module(name).removeprefix(_MODULE)


def _module(name: str) -> str:
    """The module of a formula; what the radiation of the hour itself tells is derived elsewhere."""
    if name in GRADIENTS:
        return _MODULE + "gradients"
    if name not in FORMULAS:
        return _MODULE + "radiation"
    module = FORMULAS[name].compute.__module__
    return module if module != _MODULE + "thermo" else _MODULE + "levels"


def title(rows: Mapping[str, Parameter], kind: str) -> str:
    """What the family `kind` of `rows` is about: the first sentence of its file."""
    if next(iter(rows)) in parameters.blended():
        return _BLENDED_FAMILIES[kind]
    return re.split(r"\.\s", inspect.getdoc(sys.modules[_MODULE + kind]) or "")[0].rstrip(".")


def families(rows: Mapping[str, Parameter]) -> dict[str, dict[str, Parameter]]:
    """`rows` by family, in the order of the table."""
    found: dict[str, dict[str, Parameter]] = {}
    for name, row in rows.items():
        found.setdefault(family(name), {})[name] = row
    return found


def inputs(name: str) -> tuple[str, ...]:
    """What the formula of a derived parameter takes; () of a blended one."""
    if name in GRADIENTS:
        return GRADIENTS[name].inputs
    return (*FORMULAS[name].inputs, *FORMULAS[name].optional) if name in FORMULAS else ()


def followers(name: str) -> list[str]:
    """Derived parameters whose formula takes `name`."""
    return [other for other in parameters.derived() if name in inputs(other)]


@cache
def blended_inputs(name: str) -> frozenset[str]:
    """The blended parameters that a parameter needs by formula, itself if it is blended."""
    if name in parameters.blended():
        return frozenset({name})
    if (name not in FORMULAS and name not in GRADIENTS) or name in _GROUND:
        return frozenset()
    needed = GRADIENTS[name].inputs if name in GRADIENTS else FORMULAS[name].inputs
    return frozenset().union(*map(blended_inputs, needed))


def formula(name: str) -> str:
    """The contract of the formula, its paragraphs in one line each; "" without a formula."""
    if name in GRADIENTS:
        return GRADIENTS[name].words
    text = inspect.getdoc(FORMULAS[name].compute) if name in FORMULAS else ""
    return "\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


def place(name: str) -> str:
    """File and line of the formula's code, "" without a formula."""
    if name not in FORMULAS:
        return ""
    function = inspect.unwrap(FORMULAS[name].compute)
    return f"{function.__module__.replace('.', '/')}.py:{function.__code__.co_firstlineno}"


def deliverers(name: str) -> list[str]:
    """Sources that carry a blended parameter, or every blended input of a derived one."""
    needed = blended_inputs(name)
    return [source for source in SOURCES if needed and needed <= _delivered(source)]


@cache
def _delivered(source: str) -> frozenset[str]:
    """What a source carries, and the speeds of the winds that it carries."""
    carries = SOURCES[source].carries
    return carries | {row.speed for name, row in parameters.blended().items() if name in carries and row.speed}


@cache
def relations() -> tuple[Relation, ...]:
    """All that consistency makes hold, in the order of application."""
    found = {rule.name: Relation(rule.name, rule.targets, ()) for rule in consistency.MEETINGS}
    for group in GROUPS:
        trusted = tuple(name for name, error in group.errors.items() if error == 0)
        moved = tuple(name for name in group.errors if name not in trusted)
        found[group.name] = Relation(group.name, moved, trusted, tuple(map(_in_words, group.ties)))
    for rule in consistency.RULES:
        found.setdefault(rule.name, Relation(rule.name, rule.targets, rule.inputs[len(rule.targets) :]))
    return tuple(found.values())


def _in_words(tie: Tie) -> str:
    """`a + b ≥ c an hour before + 386`."""
    more, less = (
        [name + " an hour before" * bool(back) for name, back, factor in tie.terms if factor * sign > 0]
        for sign in (1, -1)
    )
    if tie.least:
        less.append(f"{tie.least:.0f} {parameters.blended()[tie.terms[0][0]].units}")
    return f"{' + '.join(more)} ≥ {' + '.join(less)}"


def ties(name: str) -> list[Relation]:
    """What a blended parameter must be consistent with, and of a derived one what may have moved its inputs."""
    known = blended_inputs(name)
    trusted = name in parameters.blended()
    return [relation for relation in relations() if known.intersection(relation.moved + trusted * relation.trusted)]


def chosen(kind: str | None, blended: bool | None) -> dict[str, Parameter]:
    """The catalogue's rows of a family, of both tables or one; ValueError with near names for an unknown family."""
    rows = parameters.catalogue() if blended is None else parameters.blended() if blended else parameters.derived()
    if kind is None:
        return rows
    groups = families(rows)
    if kind not in groups:
        near = get_close_matches(kind, groups, n=3) or list(groups)
        raise ValueError(f"unknown family {kind!r}; did you mean {', '.join(near)}?")
    return groups[kind]


def matching(words: Sequence[str]) -> tuple[dict[str, Parameter], dict[str, str]]:
    """Rows in whose names, standard names or units every word occurs, and what misspelt words were taken for.

    ValueError if there is none.
    """
    texts = {name: _text(row) for name, row in parameters.catalogue().items()}
    vocabulary = {word for text in texts.values() for word in re.split(r"[\W_]+", text)}
    read: dict[str, str] = {}
    for word in map(str.lower, words):
        if not any(_occurs(word, text) for text in texts.values()):
            read[word] = next(iter(get_close_matches(word, vocabulary, n=1, cutoff=_NEAR)), word)
    sought = [read.get(word.lower(), word.lower()) for word in words]
    names = [name for name, text in texts.items() if all(_occurs(word, text) for word in sought)]
    found = {name: parameters.parameter(name) for name in names}
    if not found:
        raise ValueError(f"no parameter has {' and '.join(map(repr, sought))}; `hourcast parameters list` names all")
    return found, read


def _occurs(word: str, text: str) -> bool:
    """Short words, such as units, count by themselves only."""
    return word in text if len(word) > 2 else word in text.split()


def _text(row: Parameter) -> str:
    return f"{row.name} {row.name.replace('_', ' ')} {row.long_name} {row.standard_name} {row.units}".lower()


def counts() -> Iterator[tuple[str, int, int]]:
    """Table, its parameters, and those of them that are of no pressure level."""
    tables = {"blended": parameters.blended(), "derived": parameters.derived(), "together": parameters.catalogue()}
    for name, rows in tables.items():
        yield name, len(rows), sum(not on_level(row) for row in rows)
