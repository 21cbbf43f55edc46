"""Small SVG charts by hand: axes, lines, bands, bars. Colours come from the page's CSS classes, so themes apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Record = Mapping[str, Any]
COMBINED = {
    "equal_weights": "equal weights",
    "best_source": "best source",
    "inverse_mse": "inverse MSE",
    "hourcast": "Hourcast",
}


@dataclass(frozen=True)
class Frame:
    """A plotting area in pixels and the data range it shows."""

    left: float
    top: float
    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: ArrayLike) -> NDArray[np.float64]:
        """Pixels from data."""
        low, high = self.x_range
        return self.left + self.width * (np.asarray(value, float) - low) / ((high - low) or 1)

    def y(self, value: ArrayLike) -> NDArray[np.float64]:
        """Pixels from data, upwards."""
        low, high = self.y_range
        return self.top + self.height * (1 - (np.asarray(value, float) - low) / ((high - low) or 1))

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def right(self) -> float:
        return self.left + self.width


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About `count` round numbers within the range."""
    span = (high - low) or 1.0
    raw = span / count
    power = 10 ** np.floor(np.log10(raw))
    step = power * min((1, 2, 2.5, 5, 10), key=lambda size: abs(size * power - raw))
    return [
        float(np.round(value, 10)) + 0.0 for value in np.arange(np.ceil(low / step) * step, high + step * 1e-6, step)
    ]


def points(frame: Frame, x: ArrayLike, y: ArrayLike) -> str:
    """SVG point list of finite data."""
    pairs = np.stack([frame.x(x), frame.y(y)], axis=-1)
    return " ".join(f"{px:.1f},{py:.1f}" for px, py in pairs[np.isfinite(pairs).all(axis=1)])


def line(frame: Frame, x: ArrayLike, y: ArrayLike, css: str, title: str = "") -> str:
    """A polyline with an optional tooltip."""
    tip = f"<title>{escape(title)}</title>" if title else ""
    return f'<polyline class="{css}" points="{points(frame, x, y)}">{tip}</polyline>'


def band(frame: Frame, x: ArrayLike, low: ArrayLike, high: ArrayLike, css: str) -> str:
    """The area between two lines."""
    there, back = points(frame, x, low), points(frame, np.asarray(x)[::-1], np.asarray(high)[::-1])
    return f'<polygon class="{css}" points="{there} {back}"/>'


def text(x: float, y: float, content: str, css: str = "tick") -> str:
    """A text element."""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}">{escape(content)}</text>'


def rules(frame: Frame, *, count: int = 4, digits: str = "g") -> str:
    """Horizontal grid lines with their numbers on the left."""
    parts = []
    for value in ticks(*frame.y_range, count):
        y = float(frame.y(value))
        parts.append(f'<line class="rule" x1="{frame.left}" x2="{frame.right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text(frame.left - 6, y + 3.5, f"{value:{digits}}", "tick end"))
    return "".join(parts)


def svg(width: float, height: float, content: str, label: str, css: str = "chart") -> str:
    """The chart itself, scaled to its column, with a description for those who cannot see it."""
    size = f'viewBox="0 0 {width:g} {height:g}"'
    return f'<svg class="{css}" {size} role="img" aria-label="{escape(label)}">{content}</svg>'


def rmse_by_lead(records: Sequence[Record], title: str, units: str, factor: float = 1.0) -> str:
    """RMSE against lead time of every system of one parameter; `factor` turns stored into displayed units."""
    systems: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda row: row["lead_time_hours"]):
        systems.setdefault(record["system"], []).append(record)
    leads = sorted({record["lead_time_hours"] for record in records})
    place = {lead: number for number, lead in enumerate(leads)}  # leads are few and uneven: spaced evenly
    worst = max(record["rmse"] for record in records) * factor
    frame = Frame(38, 34, 262, 146, (-0.15, len(leads) - 0.85), (0, worst * 1.06))
    parts = [text(0, 14, title, "charttitle"), text(300, 14, units, "tick end"), rules(frame)]
    parts += [text(float(frame.x(place[lead])), frame.bottom + 16, f"{lead:g} h", "tick mid") for lead in leads]
    order = sorted(systems, key=lambda system: list(COMBINED).index(system) if system in COMBINED else -1)
    for system in order:
        rows = systems[system]
        x = [place[row["lead_time_hours"]] for row in rows]
        rmse = [row["rmse"] * factor for row in rows]
        css = f"sys {system}" if system in COMBINED else "sys source"
        if system == "hourcast" and all(row.get("rmse_low") is not None for row in rows):
            low, high = ([row[name] * factor for row in rows] for name in ("rmse_low", "rmse_high"))
            parts.append(band(frame, x, low, high, "ci"))
        parts.append(line(frame, x, rmse, css, COMBINED.get(system, system)))
    return svg(306, 204, "".join(parts), f"RMSE of {title} by lead time")


def stacked_weights(shares: Mapping[str, Sequence[float]], leads: Sequence[int], colours: Mapping[str, str]) -> str:
    """Columns of the sources' mean weights, one column a lead bin; shares sum to one."""
    frame = Frame(34, 8, 296, 190, (-0.5, len(leads) - 0.5), (0, 1))
    parts = [rules(frame, digits=".0%")]
    base = np.zeros(len(leads))
    width = frame.width / len(leads) * 0.78
    for name, values in shares.items():
        for number, value in enumerate(values):
            top, low = float(frame.y(base[number] + value)), float(frame.y(base[number]))
            x = float(frame.x(number)) - width / 2
            tip = f"<title>{escape(name)} {value:.0%} at {leads[number]} h</title>"
            shape = f'x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{max(low - top, 0):.1f}"'
            parts.append(f'<rect {shape} fill="{colours[name]}">{tip}</rect>')
            if low - top > 13:
                parts.append(text(x + width / 2, (top + low) / 2 + 3.5, f"{100 * value:.0f}", "onbar"))
        base += np.asarray(values)
    parts += [text(float(frame.x(k)), frame.bottom + 16, f"{lead} h", "tick mid") for k, lead in enumerate(leads)]
    return svg(336, 220, "".join(parts), "mean weight of each source by lead time")


def histogram(levels: Sequence[float], shares: Sequence[float], title: str, css: str = "bar") -> str:
    """How often the truth fell between the published quantiles, per probability: 1 everywhere if calibrated.

    levels: (quantile,) increasing within 0..1; shares: (quantile + 1,) observed frequency of each interval.
    """
    edges = np.concatenate([[0.0], levels, [1.0]])
    density = np.asarray(shares) / np.diff(edges)
    frame = Frame(38, 34, 262, 120, (0, 1), (0, max(2.0, min(float(density.max()), 6.0)) * 1.05))
    parts = [text(0, 14, title, "charttitle"), rules(frame, count=3)]
    for low, high, value in zip(edges[:-1], edges[1:], density, strict=True):
        x, y = float(frame.x(low)), max(float(frame.y(value)), frame.top)
        width, height = float(frame.x(high)) - x - 1, frame.bottom - y
        tip = f"<title>{low:.0%} to {high:.0%}: {value * (high - low):.1%} of the time</title>"
        shape = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        parts.append(f'<rect class="{css}" {shape}>{tip}</rect>')
    parts.append(line(frame, [0, 1], [1, 1], "flat", "calibrated"))
    parts += [text(float(frame.x(level)), frame.bottom + 15, f"{100 * level:g}", "tick mid") for level in levels]
    return svg(306, 176, "".join(parts), f"calibration of {title}")


def spread_and_skill(records: Sequence[Record], title: str, units: str, factor: float) -> str:
    """Error of the blend and spread of its distribution by lead; they agree if the spread is right."""
    rows = sorted(records, key=lambda row: row["lead_time_hours"])
    place = range(len(rows))
    skill, spread = ([row[name] * factor for row in rows] for name in ("skill", "spread"))
    frame = Frame(38, 34, 262, 120, (-0.15, len(rows) - 0.85), (0, max(skill + spread) * 1.06 or 1))
    parts = [text(0, 14, title, "charttitle"), text(300, 14, units, "tick end"), rules(frame, count=3)]
    labels = [f"{row['lead_time_hours']:g} h" for row in rows]
    parts += [text(float(frame.x(k)), frame.bottom + 15, label, "tick mid") for k, label in enumerate(labels)]
    parts += [line(frame, place, skill, "sys hourcast", "error"), line(frame, place, spread, "sys spread", "spread")]
    return svg(306, 176, "".join(parts), f"spread and error of {title}")


def timings(rows: Sequence[tuple[str, int, float]]) -> str:
    """Horizontal bars of stage, number of shards, seconds of work."""
    longest = max(seconds for _, _, seconds in rows) or 1
    parts = []
    for number, (stage, shards, seconds) in enumerate(rows):
        y = 26 * number + 4
        width = 400 * seconds / longest
        parts.append(text(0, y + 14, stage, "label"))
        parts.append(f'<rect class="bar" x="90" y="{y}" width="{max(width, 1):.1f}" height="18" rx="2"/>')
        parts.append(text(96 + width, y + 14, f"{seconds:.1f} s in {shards} shard{'s' if shards > 1 else ''}", "tick"))
    return svg(640, 26 * len(rows) + 6, "".join(parts), "seconds by stage", "chart timings")
