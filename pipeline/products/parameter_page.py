"""The catalogue for a terminal: a table of parameters, and one with its formula, ties, sources and an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from pipeline import parameters, paths
from pipeline.cycle import Cycle
from pipeline.parameters import Parameter, grib2
from pipeline.products import parameter_facts as facts
from pipeline.products import parameter_map
from pipeline.products.opened import opened
from pipeline.products.parameter_facts import Relation
from pipeline.store import Store

WIDTH = 160
"""Columns where there is no terminal to ask."""
MOST_COLUMNS = 120  # of a map
MOST_NAMES = 12  # of what follows from a parameter


def table(rows: Mapping[str, Parameter]) -> Group:
    """A row a parameter: name, units, family, what it is; then how many."""
    shown = Table("name", "units", "family", "what", "standard name")
    for name, row in rows.items():
        shown.add_row(name, row.units, facts.family(name), escape(row.long_name), row.standard_name)
    levels = sum(facts.on_level(name) for name in rows)
    return Group(shown, f"{len(rows)} parameters, {len(rows) - levels} without those of pressure levels.")


def found(words: Sequence[str]) -> Group:
    """The table of what matches the words; ValueError if nothing does."""
    rows, read = facts.matching(words)
    notes = (f"{word!r} is not in the catalogue; read as {other!r}." for word, other in read.items())
    return Group(*notes, table(rows))


def page(name: str) -> Group:
    """All that is known of one parameter; KeyError with near names for an unknown one."""
    row = parameters.parameter(name)
    grid = Table.grid(padding=(0, 2))
    for head, text in (*_of_row(row), *_of_formula(row), *_of_ties(name)):
        if text:
            grid.add_row(f"[bold]{head}[/]", escape(text))
    return Group(f"[bold]{name}[/]: {escape(row.long_name)}", "", grid)


def _of_row(row: Parameter) -> Iterator[tuple[str, str]]:
    yield "units", row.units
    yield "standard name", row.standard_name or "none in CF; the long name is proposed"
    yield "GRIB2", _grib2(row.name)
    yield "bounds", f"{row.minimum:g} to {row.maximum:g}"
    yield "stored to", f"± {row.precision:g}"
    yield "kind", row.kind.replace("_", " ")
    yield "domain", row.where
    yield "values", "\n".join(f"{value:g} {meaning.replace('_', ' ')}" for value, meaning in row.flags)
    yield "probabilities", ", ".join(f"{limit:g}" for limit in row.thresholds) or "quantiles" * row.probabilistic


def _grib2(name: str) -> str:
    """Discipline, category and number, and where the standard has none that they are ours."""
    encoding = grib2.encoding(name)
    ours = ", of our own" if encoding.code[1] >= grib2.LOCAL else ""
    surface = f"surface {encoding.first.kind}" + (
        "" if encoding.first.value is None else f" at {encoding.first.value:g}"
    )
    return "discipline {}, category {}, number {}".format(*encoding.code) + f"{ours}; {surface}"


def _of_formula(row: Parameter) -> Iterator[tuple[str, str]]:
    name = row.name
    if name in parameters.blended():
        yield "blended", f"{row.blend.replace('_', ' ')}; in time {row.time}, in space {row.regrid}"
        yield "sources", ", ".join(facts.deliverers(name)) or "none delivers it"
    else:
        yield "formula", facts.formula(name)
        yield "after", row.source
        yield "code", facts.place(name)
        yield "from", ", ".join(facts.inputs(name)) or "the hour and the place"
        yield "sources", f"whose fields suffice: {', '.join(facts.deliverers(name)) or 'none by itself'}"
    yield "followed by", _some(facts.followers(name))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _of_ties(name: str) -> Iterator[tuple[str, str]]:
    head = "tied to" if name in parameters.blended() else "inputs tied"
    for relation in facts.ties(name):
        yield head, _relation(relation)
        head = ""


def _relation(relation: Relation) -> str:
    gives = f"{relation.name}: {', '.join(relation.moved)} give{'s' * (len(relation.moved) == 1)} way"
    trusted = f" to {', '.join(relation.trusted)}" if relation.trusted else " together, by their errors"
    return "\n".join([gives + trusted, *(f"  {words}" for words in relation.words)])


def example(store: Store, hour: Cycle, name: str, lead: int, columns: int) -> Iterator[RenderableType]:
    """A map of a published hour at a lead, if it holds the parameter then, and its range; no map in 0 columns."""
    key = paths.forecast(hour, "best.zarr")
    best = opened(store, key)
    leads = [int(hours) for hours in best["lead_time"].values]
    if name not in best or lead not in leads:
        yield f"The hour {hour} has no {name} at lead {lead}."
        return
    field = best[name].isel(lead_time=leads.index(lead)).values
    static = opened(store, paths.static_fields(), consolidated=False)
    row, land = parameters.parameter(name), static["land_area_fraction"].values
    spread = f"{np.nanmin(field):.4g} to {np.nanmax(field):.4g} {row.units}, mean {np.nanmean(field):.4g}"
    yield f"{hour} + {lead} h: {spread}"
    if columns:
        yield parameter_map.in_terminal(parameter_map.painted(field, row, land), min(columns, MOST_COLUMNS))
        yield "The first colour is {:.4g}, the last {:.4g}.".format(*parameter_map.limits(field, row))
