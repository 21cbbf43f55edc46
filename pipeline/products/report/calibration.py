"""The report's section on probabilities: are they reliable and sharp, against the raw members and against EMOS?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.products.display import TITLES, display
from pipeline.products.report import charts
from pipeline.products.report.charts import Frame, line, rules, svg, text

Record = Mapping[str, Any]

_LINES = (
    ("crps_raw", "sys source", "raw members"), ("crps_emos", "sys best_source", "EMOS"),
    ("crps", "sys hourcast", "Hourcast"),
)  # fmt: skip
_LEAST_SHARE = 0.002
"""Of the cells that a bin of forecast probability must hold to be shown."""


def section(records: Sequence[Record]) -> str:
    """The whole section as HTML; empty if no distribution was scored."""
    names = [name for name in TITLES if any(record["parameter"] == name for record in records)]
    if not names:
        return ""
    drawn = []
    for name in names:
        rows = sorted((row for row in records if row["parameter"] == name), key=lambda row: row["lead_time_hours"])
        drawn += [f"<figure>{chart}</figure>" for chart in _charts(name, rows)]
    return f'<p class="lead">{_summary(records)}{_LEGEND}</p><div class="small-multiples">{"".join(drawn)}</div>'


def _summary(records: Sequence[Record]) -> str:
    """How often the truth was within 5 to 95 %, and the gain in CRPS, over all parameters and leads."""
    words = ""
    covered = [record["coverage_90"] for record in records if "coverage_90" in record]
    if covered:
        share = f"<b>{100 * float(np.mean(covered)):.0f} %</b>"
        words += f"The truth lay between the 5 and 95 % quantiles in {share} of cases (90 % would be right). "
    for key, name in (("crps_raw", "the raw members"), ("crps_emos", "EMOS")):
        pairs = [(record["crps"], record[key]) for record in records if record.get(key) and record.get("crps")]
        if pairs:
            gain = float(np.mean([ours / other - 1 for ours, other in pairs]))
            wins = sum(ours < other for ours, other in pairs)
            percent = f"{100 * gain:+.0f} %".replace("-", "−")
            words += f"CRPS <b>{percent}</b> against {name}, better in {wins} of {len(pairs)}. "
    return words


_LEGEND = (
    "Bars: how often the truth fell between the published quantiles, against the line at 1. Spread: error of the blend "
    "(full) and spread of its distribution (dashed). CRPS: Hourcast (full), EMOS (black), the raw members (grey). "
    "Reliability: how often a threshold was passed when its probability was so; on the diagonal it is as said."
)


def _charts(name: str, rows: Sequence[Record]) -> Iterator[str]:
    shown = display(name)
    shares = [float(np.mean(column)) for column in zip(*(row["quantile_histogram"] for row in rows), strict=True)]
    yield charts.histogram(rows[0]["levels"], shares, shown.title)
    yield charts.spread_and_skill(rows, f"{shown.title}: spread", shown.difference_units, shown.factor)
    if any("crps_raw" in row or "crps_emos" in row for row in rows):
        yield _crps(rows, f"{shown.title}: CRPS", shown.difference_units, shown.factor)
    if any(row.get("reliability") for row in rows):
        yield _reliability(rows, f"{shown.title}: reliability")


def _crps(rows: Sequence[Record], title: str, units: str, factor: float) -> str:
    """CRPS against lead of ours, of the raw members and of EMOS."""
    known = [row[key] * factor for row in rows for key, _, _ in _LINES if row.get(key) is not None]
    frame = Frame(38, 34, 262, 120, (-0.15, len(rows) - 0.85), (0, max(known) * 1.06 or 1))
    parts = [text(0, 14, title, "charttitle"), text(300, 14, units, "tick end"), rules(frame, count=3)]
    for place, row in enumerate(rows):
        parts.append(text(float(frame.x(place)), frame.bottom + 15, f"{row['lead_time_hours']:g} h", "tick mid"))
    for key, css, label in _LINES:
        values = [row[key] * factor if row.get(key) is not None else np.nan for row in rows]
        parts.append(line(frame, range(len(rows)), values, css, label))
    return svg(306, 176, "".join(parts), title)


def _reliability(rows: Sequence[Record], title: str) -> str:
    """Observed frequency against forecast probability, a line a threshold, all leads together."""
    frame = Frame(38, 34, 262, 120, (0, 1), (0, 1))
    parts = [text(0, 14, title, "charttitle"), rules(frame, count=3, digits=".0%")]
    parts += [text(float(frame.x(level)), frame.bottom + 15, f"{level:.0%}", "tick mid") for level in (0, 0.5, 1)]
    parts.append(line(frame, [0, 1], [0, 1], "flat", "reliable"))
    for number, threshold in enumerate(rows[0]["thresholds"]):
        probability, frequency = _pooled([row["reliability"][number] for row in rows])
        if len(probability) > 2:
            parts.append(line(frame, probability, frequency, "sys threshold", f"above {threshold:g}"))
    return svg(306, 176, "".join(parts), title)


def _pooled(tables: Sequence[Record]) -> tuple[list[float], list[float]]:
    """Mean probability and frequency by tenth of probability over several tables, bins by their share."""
    values = np.array([
        (probability, frequency, share)
        for table in tables
        for probability, frequency, share in zip(table["probability"], table["frequency"], table["share"], strict=True)
    ]).reshape(-1, 3)  # fmt: skip
    tenth = np.round(values[:, 0] * 10)
    bins = [values[tenth == number] for number in np.unique(tenth)]
    means = [np.average(part[:, :2], axis=0, weights=part[:, 2]) for part in bins if part[:, 2].mean() >= _LEAST_SHARE]
    return [float(mean[0]) for mean in means], [float(mean[1]) for mean in means]
