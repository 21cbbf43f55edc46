"""The chain behind one published number as one self-contained picture: every source and step on one axis."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np

from pipeline.cycle import Cycle
from pipeline.products import explanation_text as words
from pipeline.products.display import display
from pipeline.products.explanation import Chain, Derivation, Explanation, Link
from pipeline.products.explanation_text import Shown
from pipeline.products.report.charts import Frame, text, ticks
from pipeline.products.report.colours import SOURCE_COLOURS

WIDTH = 1100
ROW = 38
TOP = 128
LEFT, RIGHT = 190.0, 700.0
"""Pixels between which values are drawn; weights and words stand to the right."""
WEIGHTS = 730.0
BAR, BIASES = 90.0, 872.0
"""Pixels of a weight of one half; where the biases stand."""
NEAREST = 4
LARGEST = 11.0
"""Radius in pixels of a source that has all the weight."""

_STYLE = """
svg{font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;background:#fff;color:#1b2430}
text{fill:#1b2430}.dim{fill:#8a94a3}.title{font-size:21px;font-weight:650}.big{font-size:30px;font-weight:700}
.small{font-size:11.5px;fill:#5b6675}.end{text-anchor:end}.mid{text-anchor:middle}.b{font-weight:650}
.rule{stroke:#e6e9ee}.line{stroke:#1b2430;stroke-dasharray:3 3;opacity:.55}.warn{fill:#b3261e;font-weight:650}
"""


def check(path: Path) -> None:
    """ValueError or FileNotFoundError, in one line, unless a picture can be written to `path`."""
    if path.suffix not in (".svg", ".html"):
        raise ValueError(f"expected a picture ending in .svg or .html; found {path.name}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"expected a folder to write {path.name} into; {path.parent} does not exist")


def write(explanation: Explanation, path: Path) -> None:
    """Write the picture, as SVG or as a page that holds it."""
    check(path)
    drawn = picture(explanation)
    if path.suffix == ".html":
        title = escape(words.heading(explanation)[0])
        drawn = f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>{drawn}</html>\n'
    path.write_text(drawn, encoding="utf-8")


def picture(explanation: Explanation) -> str:
    """The picture as SVG."""
    shown = Shown(display(explanation.parameter.name))
    behind = explanation.behind
    if isinstance(behind, Chain):
        height, parts = _chain(explanation, behind, shown)
    else:
        height, parts = _derivation(behind)
    parts = [*_heading(explanation, shown), *parts]
    for number, line in enumerate((*explanation.notes, words.verdict(explanation))):
        parts.append(text(20, height + 20 + 18 * number, line, "small"))
    height += 34 + 18 * len(explanation.notes)
    first = escape(words.heading(explanation)[0])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" role="img" '
        f'aria-label="{first}"><title>{first}</title><style>{_STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height:g}" fill="#fff"/>{"".join(parts)}</svg>'
    )


def _heading(explanation: Explanation, shown: Shown) -> Iterator[str]:
    first, second = words.heading(explanation)
    yield text(20, 36, first, "title")
    yield text(20, 60, second, "small")
    if explanation.synthetic:
        yield text(20, 80, "SYNTHETIC world, not the weather", "small warn")
    yield text(WIDTH - 20, 42, shown.value(explanation.published), "big end")
    yield text(WIDTH - 20, 60, "published", "small end")


def _chain(explanation: Explanation, chain: Chain, shown: Shown) -> tuple[float, list[str]]:
    """Height so far, and everything below the heading."""
    taking = [link for link in chain.links if link.weight]
    absent = [link for link in chain.links if not link.weight]
    bottom = TOP + ROW * len(taking)
    steps = bottom + ROW * len(list(words.steps(chain, shown)))
    frame = _frame(explanation, chain, taking, shown, steps)
    parts = [*_axis(frame, shown), *_columns(chain, shown)]
    for number, link in enumerate(taking):
        colour = SOURCE_COLOURS[link.number % len(SOURCE_COLOURS)]
        parts += _source(frame, link, chain.amount, shown, TOP + ROW * (number + 0.5), colour)
    parts += _steps(frame, chain, shown, bottom)
    y = steps + 42.0
    parts += [text(20, y + 18 * number, line, "small") for number, line in enumerate(_footer(absent, chain, shown))]
    return y + 18 * len(list(_footer(absent, chain, shown))), parts


def _frame(explanation: Explanation, chain: Chain, taking: list[Link], shown: Shown, bottom: float) -> Frame:
    values = [value for link in taking for value in (link.value, link.corrected)]
    values += [chain.blend, chain.expected, chain.ramped, chain.consistent, explanation.published]
    values += [value for level, value in chain.quantiles if 0.05 <= level <= 0.95]
    low, high = (shown.number(bound) for bound in (np.nanmin(values), np.nanmax(values)))
    margin = max(0.06 * (high - low), 10.0**-shown.digits)
    return Frame(LEFT, TOP, RIGHT - LEFT, bottom - TOP, (low - margin, high + margin), (0, 1))


def _axis(frame: Frame, shown: Shown) -> Iterator[str]:
    for value in ticks(*frame.x_range, 6):
        x = float(frame.x(value))
        yield f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{frame.bottom}"/>'
        yield text(x, frame.bottom + 16, f"{value:g}".replace("-", "−"), "small mid")
    yield text(frame.right + 8, frame.bottom + 16, shown.how.units, "small")


def _columns(chain: Chain, shown: Shown) -> Iterator[str]:
    yield text(
        LEFT, TOP - 12, f"○ as it came   ● {'times its factor' if chain.amount else 'its bias removed'}", "small"
    )
    yield text(WEIGHTS, TOP - 12, "weight", "small")
    yield text(BIASES, TOP - 12, "factor" if chain.amount else f"bias {shown.how.difference_units}", "small")
    yield text(WIDTH - 20, TOP - 12, f"its error {shown.how.difference_units}, past pairs", "small end")


def _source(frame: Frame, link: Link, amount: bool, shown: Shown, y: float, colour: str) -> Iterator[str]:
    """One source: where it came from, where it went, how much it weighs."""
    raw, corrected = (float(frame.x(shown.number(value))) for value in (link.value, link.corrected))
    radius = 3 + (LARGEST - 3) * link.weight**0.5
    yield text(20, y - 1, link.source, "b")
    yield text(20, y + 12, f"{Cycle.parse(link.cycle).init_time:%d %b %H} UTC, {link.age_hours} h old", "small")
    yield f'<line x1="{raw:.1f}" x2="{corrected:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
    yield f'<circle cx="{raw:.1f}" cy="{y}" r="4.5" fill="#fff" stroke="{colour}" stroke-width="2"/>'
    tip = f"<title>{escape(link.source)}: {shown.value(link.value)}, corrected {shown.value(link.corrected)}</title>"
    yield f'<circle cx="{corrected:.1f}" cy="{y}" r="{radius:.1f}" fill="{colour}">{tip}</circle>'
    width = min(2 * link.weight, 1) * BAR
    yield f'<rect x="{WEIGHTS}" y="{y - 8}" width="{max(width, 1):.1f}" height="16" rx="2" fill="{colour}"/>'
    yield text(WEIGHTS + width + 6, y + 4, f"{100 * link.weight:.0f} %")
    taken_off = f"×{link.bias:.2f}" if amount else shown.difference(link.bias, False)
    yield text(BIASES, y + 4, taken_off)
    known = f"{shown.difference(link.rmse, False, '')}, {link.sample:.0f}" if link.sample else "–, none"
    yield text(WIDTH - 20, y + 4, known, "end")
    if link.note:
        yield text(WIDTH - 20, y + 19, link.note, "small end")


def _steps(frame: Frame, chain: Chain, shown: Shown, top: float) -> Iterator[str]:
    """From the weighted mean to the forecast, each step from where the one before ended, and the distribution."""
    values = [
        chain.blend,
        *([chain.expected] if chain.amount else []),
        chain.ramped,
        chain.consistent,
        chain.consistent,
    ]
    places = [float(frame.x(shown.number(value))) for value in values]
    yield f'<line class="line" x1="{places[0]:.1f}" x2="{places[0]:.1f}" y1="{TOP}" y2="{top + ROW}"/>'
    for number, ((name, value, why), start, end) in enumerate(
        zip(words.steps(chain, shown), [places[0], *places[:-1]], places, strict=True)
    ):
        y = top + ROW * (number + 0.5)
        yield text(20, y + 4, name, "b")
        yield f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{y}" y2="{y}" stroke="#1b2430" stroke-width="3"/>'
        if number == len(places) - 1:
            yield from _fan(frame, chain, shown, y)
        turned = f'width="10" height="10" transform="rotate(45 {end:.1f} {y})"'
        yield f'<rect x="{end - 5:.1f}" y="{y - 5}" {turned} fill="#1b2430"/>'
        yield text(WEIGHTS, y + 4, value, "b")
        yield text(WEIGHTS + 92, y + 4, why if len(why) <= 44 else why[:43] + "…", "small")


def _fan(frame: Frame, chain: Chain, shown: Shown, y: float) -> Iterator[str]:
    """Bands of the published quantiles, from the outermost to the inner half."""
    fan = {round(100 * level): float(frame.x(shown.number(value))) for level, value in chain.quantiles}
    for low, high, opacity in ((5, 95, 0.18), (10, 90, 0.25), (25, 75, 0.4)):
        if low in fan and high in fan:
            shape = f'x="{fan[low]:.1f}" width="{fan[high] - fan[low]:.1f}" y="{y - 9}" height="18"'
            yield f'<rect {shape} fill="#3567b0" opacity="{opacity}"><title>{low} to {high} %</title></rect>'


def _footer(absent: list[Link], chain: Chain, shown: Shown) -> Iterator[str]:
    if absent:
        yield "Without: " + "; ".join(f"{link.source} ({link.note})" for link in absent) + "."
    if chain.stations:
        near = (
            f"{one.name} {one.distance_km:.0f} km {shown.difference(one.departure)}" for one in chain.stations[:NEAREST]
        )
        yield f"Nearest stations behind the observations' step, observed minus blend at lead 0: {', '.join(near)}."
    yield words.clusters(chain)
    yield words.guard(chain)
    yield words.spread(chain, shown)


def _derivation(behind: Derivation) -> tuple[float, list[str]]:
    parts = [text(20, TOP - 12, "Derived, not blended", "b"), text(LEFT, TOP - 12, behind.formula, "small")]
    for number, (name, value) in enumerate(behind.inputs):
        y = TOP + ROW * (number + 0.5)
        how = Shown(display(name))
        parts += [text(20, y, name, "b"), text(LEFT + 200, y, how.value(value), "end")]
    return TOP + ROW * len(behind.inputs) + 10.0, parts
