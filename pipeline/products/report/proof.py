"""The report's proof beside the scores: how steady the blend is, what each of its parts and the observations gain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.products.display import TITLES, display
from pipeline.products.report.charts import COMBINED, Frame, line, rules, svg, text, ticks
from pipeline.store import Store

Record = Mapping[str, Any]

MEASURES = {
    "cluster_jump": "Jump at borders of clusters",
    "region_jump": "Jump at edges of regions",
    "cluster_contrast": "Contrast of borders of clusters",
    "region_contrast": "Contrast of edges of regions",
    "roughness": "Roughness from cell to cell",
    "flip_flop": "To and fro between issues",
}
TRUTH = "analysis"
_ROW = 24
_LEFT, _WIDTH = 118.0, 190.0
_BACKGROUND = 'class="bar" fill-opacity=".3"'


def read(store: Store, hour: Cycle | None, name: str) -> list[Record]:
    """The records of one of the files of a scored hour; empty if there is none."""
    if hour is None or not store.exists(paths.scores(hour, name)):
        return []
    records: list[Record] = json.loads(store.read(paths.scores(hour, name)))
    return records


def steadiness(records: Sequence[Record]) -> str:
    """One chart a measure: ours against the range of the sources, whose mean is 1; empty without records."""
    drawn, within, count = [], 0, 0
    for measure, title in MEASURES.items():
        rows = list(_against_inputs([record for record in records if record["measure"] == measure]))
        within += sum(row.within for row in rows)
        count += len(rows)
        if rows:
            drawn.append(f"<figure>{_ranges(rows, title)}</figure>")
    if not drawn:
        return ""
    words = (
        "Bars reach from the steadiest to the least steady of the sources, whose mean is 1, and their plain mean; the "
        "mark is the blend, the stroke the analysis. No less steady than its inputs or the truth in "
        f"<b>{within} of {count}</b> figures. Contrast: the jump at a seam over that elsewhere; a mean has more than "
        "its sources, for it keeps coasts and evens out weather."
    )
    return f'<p class="lead">{words}</p><div class="small-multiples wide">{"".join(drawn)}</div>'


class Range(NamedTuple):
    """One parameter's figures, means over the leads, as parts of the sources' mean; no truth is NaN."""

    parameter: str
    low: float
    high: float
    ours: float
    truth: float

    @property
    def within(self) -> bool:
        """Whether ours is no larger than the largest of the sources and their plain mean, or than the truth's own."""
        return self.ours <= self.high or self.ours <= self.truth


def _against_inputs(records: Sequence[Record]) -> Iterator[Range]:
    for name in TITLES:
        systems: dict[str, list[float]] = {}
        for record in records:
            if record["parameter"] == name:
                systems.setdefault(record["system"], []).append(record["value"])
        means = {system: float(np.mean(values)) for system, values in systems.items()}
        sources = [mean for system, mean in means.items() if system not in (*COMBINED, TRUTH)]
        if sources and "hourcast" in systems and np.mean(sources) > 0:
            middle, inputs = float(np.mean(sources)), [*sources, means["equal_weights"]]
            ours, truth = means["hourcast"], means.get(TRUTH, float("nan"))
            yield Range(name, min(inputs) / middle, max(inputs) / middle, ours / middle, truth / middle)


def _ranges(rows: Sequence[Range], title: str) -> str:
    values = np.array([figure for row in rows for figure in row[1:]])
    least, largest = float(np.nanmin(values)), float(np.nanmax(values))
    frame = Frame(_LEFT, 26, _WIDTH, _ROW * len(rows), (min(0.75, least - 0.05), max(1.25, largest + 0.05)), (0, 1))
    parts = [text(0, 14, title, "charttitle"), *_scale(frame, "")]
    one = float(frame.x(1))
    parts.append(f'<line class="flat" x1="{one:.1f}" x2="{one:.1f}" y1="{frame.top}" y2="{frame.bottom}"/>')
    for number, row in enumerate(rows):
        y = frame.top + _ROW * (number + 0.5)
        start, end, mark, truth = (float(frame.x(value)) for value in row[1:])
        name = TITLES[row.parameter]
        parts.append(text(0, y + 4, name, "tick"))
        shape = f'x="{start:.1f}" y="{y - 5}" width="{max(end - start, 1):.1f}" height="10"'
        tip = (
            f"<title>{escape(name)}: {row.ours:.2f} of the sources' mean; they {row.low:.2f} to {row.high:.2f}</title>"
        )
        parts.append(f"<rect {_BACKGROUND} {shape}>{tip}</rect>")
        if np.isfinite(truth):
            parts.append(f'<line class="truth" x1="{truth:.1f}" x2="{truth:.1f}" y1="{y - 8}" y2="{y + 8}"/>')
        css = "ours" if row.within else "ours over"
        parts.append(f'<circle class="{css}" cx="{mark:.1f}" cy="{y}" r="4.5">{tip}</circle>')
    return svg(_LEFT + _WIDTH + 14, frame.bottom + 20, "".join(parts), title)


def _scale(frame: Frame, units: str) -> Iterator[str]:
    for value in ticks(*frame.x_range, 4):
        x = float(frame.x(value))
        yield f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{frame.bottom}"/>'
        yield text(x, frame.bottom + 14, f"{value + 0.0:g}{units}".replace("-", "−"), "tick mid")


def ablation(records: Sequence[Record]) -> str:
    """How much larger the error is without each part of the blend: a mark a parameter, a bar their mean; or empty."""
    gains: dict[str, dict[str, list[float]]] = {}
    for record in records:
        if record["without"] != "whole":
            gains.setdefault(record["without"], {}).setdefault(record["parameter"], []).append(100 * record["gain"])
    if not gains:
        return ""
    means = {part: {name: float(np.mean(values)) for name, values in found.items()} for part, found in gains.items()}
    every = [value for found in means.values() for value in found.values()]
    frame = Frame(_LEFT, 8, 560, 28 * len(means), (min(0, *every) - 1, max(every) * 1.05 + 1), (0, 1))
    parts, zero = list(_scale(frame, " %")), float(frame.x(0))
    for number, (part, found) in enumerate(means.items()):
        y = frame.top + 28 * (number + 0.5)
        middle = float(np.mean(list(found.values())))
        start, end = sorted((zero, float(frame.x(middle))))
        parts.append(text(0, y + 4, part, "label"))
        shape = f'x="{start:.1f}" y="{y - 7}" width="{max(end - start, 1):.1f}" height="14"'
        parts.append(f"<rect {_BACKGROUND} {shape}/>")
        for name, value in found.items():
            tip = f"<title>{escape(display(name).title)}: {value:+.1f} % without {escape(part)}</title>"
            parts.append(f'<circle class="ours small" cx="{float(frame.x(value)):.1f}" cy="{y}" r="3.5">{tip}</circle>')
        parts.append(text(frame.right + 8, y + 4, f"{middle:+.1f} %".replace("-", "−"), "label"))
    chart = svg(_LEFT + 640, frame.bottom + 20, "".join(parts), "error without each part", "chart ablation")
    words = "How much larger the root mean square error is when one part is left out: bars are means, marks parameters."
    return f'<p class="lead">{words}</p>{chart}'


def first_hours(records: Sequence[Record]) -> str:
    """One chart a parameter: error at stations that the ramp has not seen, with and without it; or empty."""
    drawn = []
    for name in dict.fromkeys(record["parameter"] for record in records):
        rows = sorted((row for row in records if row["parameter"] == name), key=lambda row: row["lead_time_hours"])
        if len(rows) < 2 or name not in TITLES:
            continue
        shown = display(name)
        leads = [row["lead_time_hours"] for row in rows]
        ours, without = ([row[key] * shown.factor for row in rows] for key in ("rmse", "rmse_without_ramp"))
        frame = Frame(38, 34, 262, 120, (leads[0] - 0.1, leads[-1] + 0.1), (0, max(ours + without) * 1.06))
        parts = [text(0, 14, shown.title, "charttitle"), text(300, 14, shown.difference_units, "tick end")]
        parts += [rules(frame, count=3)]
        parts += [text(float(frame.x(lead)), frame.bottom + 15, f"{lead} h", "tick mid") for lead in leads]
        parts += [
            line(frame, leads, without, "sys spread", "without"),
            line(frame, leads, ours, "sys hourcast", "with"),
        ]
        label = f"error of {shown.title} at withheld stations"
        drawn.append(f"<figure>{svg(306, 176, ''.join(parts), label)}</figure>")
    if not drawn:
        return ""
    words = "Root mean square error at withheld stations, with the observations' ramp (full) and without (dashed)."
    return f'<p class="lead">{words}</p><div class="small-multiples">{"".join(drawn)}</div>'
