"""The chain behind one published number, for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from pipeline.cycle import Cycle
from pipeline.products.display import Display, display
from pipeline.products.explanation import Chain, Derivation, Explanation, Link
from pipeline.products.point import coordinates

WIDTH = 150
"""Columns where there is no terminal to ask."""


def text(explanation: Explanation) -> Group:
    """The whole chain, in the units people use."""
    shown = Shown(display(explanation.parameter.name))
    parts: list[RenderableType] = [*_heading(explanation, shown), ""]
    if isinstance(explanation.behind, Chain):
        parts += [_sources(explanation.behind, shown), *_steps(explanation, explanation.behind, shown)]
    else:
        parts += list(_derivation(explanation.behind))
    return Group(*parts, *(escape(f"Note: {note}.") for note in explanation.notes), "", verdict(explanation))


class Shown:
    """Values and differences of one parameter as text, with a digit more than a forecast shows."""

    def __init__(self, how: Display) -> None:
        self.how, self.digits = how, how.digits + 1

    def number(self, value: float) -> float:
        """A value in display units."""
        return float(self.how(np.asarray(value, np.float64)))

    def value(self, value: float, units: bool = True) -> str:
        """A value, `–` for none."""
        return self._text(self.number(value), self.how.units, units, "")

    def difference(self, value: float, units: bool = True, sign: str = "+") -> str:
        """A difference, with its sign."""
        return self._text(value * self.how.factor, self.how.difference_units, units, sign)

    def _text(self, number: float, units: str, wanted: bool, sign: str) -> str:
        if np.isnan(number):
            return "–"
        return f"{number:{sign}.{self.digits}f}{' ' + units if wanted and units else ''}".replace("-", "−")


def heading(explanation: Explanation) -> tuple[str, str]:
    """What is explained, and where."""
    lead, cell = explanation.lead_hours, explanation.cell
    valid = explanation.hour.valid_time(lead)
    title = display(explanation.parameter.name).title
    where = f"{coordinates(*explanation.asked)}, the cell at {coordinates(*cell)}"
    first = f"{title}, {lead} h ahead of {explanation.hour.init_time:%Y-%m-%d %H} UTC"
    return first, f"{where}; valid {valid:%a %Y-%m-%d %H} UTC"


def _heading(explanation: Explanation, shown: Shown) -> Iterator[str]:
    first, second = heading(explanation)
    label = "  [bold red]SYNTHETIC world, not the weather[/]" if explanation.synthetic else ""
    yield f"[bold]{escape(first)}[/]{label}"
    yield escape(second)
    yield f"Published: [bold]{shown.value(explanation.published)}[/]"


def _sources(chain: Chain, shown: Shown) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    taken_off = "factor" if chain.amount else f"bias {shown.how.difference_units}"
    for head in ("source", "cycle", "age h", f"says {shown.how.units}", taken_off, "corrected", "weight %",
                 f"its error {shown.how.difference_units}", "past pairs", ""):  # fmt: skip
        table.add_column(head, justify="left" if head in ("source", "cycle", "") else "right")
    for link in chain.links:
        table.add_row(*_source(link, chain.amount, shown), style="" if link.weight else "dim")
    return table


def _source(link: Link, amount: bool, shown: Shown) -> tuple[str, ...]:
    bias = (f"×{link.bias:.2f}" if amount else shown.difference(link.bias, False)) if link.bias == link.bias else "–"
    cycle = f"{Cycle.parse(link.cycle).init_time:%d %b %H}" if link.cycle else "–"
    return (
        link.source, cycle, "–" if link.age_hours is None else f"{link.age_hours:g}", shown.value(link.value, False),
        bias, shown.value(link.corrected, False), f"{100 * link.weight:.1f}" if link.weight else "–",
        shown.difference(link.rmse, False, ""), f"{link.sample:.1f}" if link.sample else "–", escape(link.note),
    )  # fmt: skip


def _steps(explanation: Explanation, chain: Chain, shown: Shown) -> Iterator[RenderableType]:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column(justify="left")
    for name, value, words in steps(chain, shown):
        table.add_row(name, value, escape(words))
    yield table
    if chain.stations:
        yield ""
        yield "Nearest stations behind the increment (observed, minus the blend at lead 0):"
        for one in chain.stations:
            found = f"{shown.value(one.observed)}, {shown.difference(one.departure)}"
            yield escape(f"  {one.name:<10} {one.network:<6} {one.distance_km:>5.0f} km  {found}")
    yield ""
    yield escape(clusters(chain))
    yield guard(chain)
    yield escape(spread(chain, shown))


def steps(chain: Chain, shown: Shown) -> Iterator[tuple[str, str, str]]:
    """Name, value and reason of each step from the blend to the number."""
    yield "weighted mean", shown.value(chain.blend), "of the corrected sources"
    if chain.amount:
        dried = "dry: too little to be wet as often as is observed"
        comes = "what came on average when the mean said so much"
        yield "to expect", shown.value(chain.expected), dried if chain.expected == 0 < chain.blend else comes
    if chain.ramp:
        share = f"{chain.ramp_factor:.0%} of the increment {shown.difference(chain.ramp)} at lead 0"
        yield "observations", shown.difference(chain.ramped - chain.expected), share
    else:
        yield "observations", "none", "no increment here"
    change = chain.consistent - chain.ramped
    why = ", ".join(chain.rules) or "it kept every rule"
    yield "consistency", shown.difference(change) if change else "no change", why
    yield "forecast", shown.value(chain.consistent), ""


def clusters(chain: Chain) -> str:
    """Which clusters the place belongs to, in a sentence."""
    shares = ", ".join(f"{number} ({share:.0%})" for number, share in chain.clusters[:3])
    return f"Weights and errors are those learnt in the place's clusters: {shares}."


def guard(chain: Chain) -> str:
    """What the guard has made the weights of, in a sentence."""
    scheme, equal, best = chain.guard
    if scheme > 0.995:
        return "The guard took nothing from these weights: no simple blend has done better here."
    return f"The guard took {scheme:.0%} of the weights learnt, {equal:.0%} equal weights, {best:.0%} the best source."


def spread(chain: Chain, shown: Shown) -> str:
    """The expected error and the quantiles, in a sentence."""
    fan = ", ".join(f"{level:.0%} {shown.value(value, False)}" for level, value in chain.quantiles)
    words = f"Expected error {shown.difference(chain.expected_error, True, '')}"
    words += f"; spread of the ensemble times {chain.spread_factor:.2f}"
    return f"{words}; quantiles {fan} {shown.how.units}." if fan else f"{words}; no distribution is published."


def _derivation(behind: Derivation) -> Iterator[RenderableType]:
    yield f"Derived, not blended; its units and formula: {escape(behind.formula)}"
    yield ""
    table = Table("derived from", "published value", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, value in behind.inputs:
        table.add_row(name, Shown(display(name)).value(value))
    yield table
    yield "`hourcast explain --parameter NAME` with one of these follows it to the sources."


def verdict(explanation: Explanation) -> str:
    """Whether the chain comes to the published number."""
    precision = f"{explanation.parameter.precision:g} {explanation.parameter.units}".removesuffix(" 1")
    if explanation.exact:
        return f"This comes to the published number within the rounding of storage ({precision})."
    off = f"{explanation.computed - explanation.published:+.3g}".replace("-", "−")
    if isinstance(explanation.behind, Derivation):
        return f"From the published, rounded inputs it comes out {off} off the published number."
    return f"This does not come to the published number: it is {off} {explanation.parameter.units} off."
