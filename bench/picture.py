"""build/bench.svg: every piece against its peers, where the time of an hour goes, and what a full hour costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from math import floor, log10
from typing import Any

Record = Mapping[str, Any]

WIDTH, LEFT, RIGHT = 1000, 230, 130
ROW, GAP = 15, 12
OURS, LIMIT, PEER, INK, FAINT = "#1f6feb", "#d29922", "#b6bcc4", "#1c2128", "#767e88"
STEPS = {
    "read": "#0a3069", "decode": "#0969da", "weights": "#54aeff", "align": "#80ccff", "blend": "#1a7f37",
    "ramp": "#4ac26b", "consistency": "#aceebb", "derive": "#bf8700", "probability": "#bc4c00", "round": "#ffb77c",
    "encode": "#8250df", "write": "#c297ff", "other": "#d0d7de",
}  # fmt: skip


def draw(records: Sequence[Record]) -> str:
    """The SVG of a list of records; parts that were not measured are left out."""
    pieces = [record for record in records if "ratio" in record]
    top, parts = 84.0, [_heading(records)]
    for section in (_pieces(pieces), _slice(records), _model(records)):
        lines, height = section
        if lines:
            parts.append(f'<g transform="translate(0 {top:.0f})">{"".join(lines)}</g>')
            top += height + 26
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" width="{WIDTH}" height="{top:.0f}" '
        f'font-family="system-ui, sans-serif" font-size="11.5" fill="{INK}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = INK, size: float = 11.5) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(text)}</text>'
    )


def _bar(x: float, y: float, width: float, colour: str, height: float = ROW - 4) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" fill="{colour}"/>'


def _heading(records: Sequence[Record]) -> str:
    machine = next((record for record in records if record["name"] == "machine"), None)
    about = ""
    if machine is not None:
        about = f"{machine['cores']} cores that read {machine['read_bytes_per_second'] / 1e9:.0f} GB/s together"
    return _text(20, 30, "Speed of the pieces and of an hour", size=18) + _text(
        20, 50, f"721 x 1440 places, medians on a logarithmic axis, {about}. Synthetic fields.", colour=FAINT
    )


def _pieces(records: Sequence[Record]) -> tuple[list[str], float]:
    """One bar an implementation on a logarithmic axis of time, a group a case."""
    if not records:
        return [], 0
    low = 10.0 ** floor(log10(min(record["seconds"] for record in records)))
    high = max(record["seconds"] for record in records)
    scale = (WIDTH - LEFT - RIGHT) / log10(high / low)
    lines, y = [], 0.0
    for name, group in groupby(records, key=lambda record: str(record["name"])):
        lines.append(_text(20, y + 11, name, size=13))
        for record in group:
            length = scale * log10(record["seconds"] / low)
            colour = _colour(str(record["implementation"]))
            lines += [
                _text(LEFT - 8, y + 10, record["implementation"].replace("_", " "), anchor="end"),
                _bar(LEFT, y, length, colour),
                _text(LEFT + length + 6, y + 10, _measure(record), colour=FAINT),
            ]
            y += ROW
        y += GAP
    return [*_axis(low, high, scale, y - GAP), *lines], y


def _axis(low: float, high: float, scale: float, bottom: float) -> Iterator[str]:
    power = low
    while power <= high:
        x = LEFT + scale * log10(power / low)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="-4" y2="{bottom:.1f}" stroke="#e4e8ec"/>'
        yield _text(x, -8, f"{1000 * power:g} ms", anchor="middle", colour=FAINT, size=10)
        power *= 10


def _colour(implementation: str) -> str:
    return OURS if implementation.startswith("hourcast") else LIMIT if "limit" in implementation else PEER


def _measure(record: Record) -> str:
    seconds = record["seconds"]
    text = f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
    ratio = record["ratio"]
    return (
        text
        if record["implementation"] == "hourcast"
        else f"{text}, {ratio:{'.0f' if ratio > 10 else '.2g'}} times ours"
    )


def _slice(records: Sequence[Record]) -> tuple[list[str], float]:
    """Where the seconds of `hour_slice` go."""
    found = next((record for record in records if record["name"] == "hour_slice"), None)
    if found is None:
        return [], 0
    split = {step: seconds for step, seconds in found["seconds_by_step"].items() if seconds > 0}
    whole, x = sum(split.values()), 20.0
    title = (
        f"hour_slice: {found['output_megabytes_per_second_a_core']:.0f} MB/s of output a core second, "
        f"{found['peak_memory_bytes'] / 2**30:.2f} GiB a worker; where the time goes"
    )
    lines = [_text(20, 0, title, size=13)]
    for number, (step, seconds) in enumerate(split.items()):
        width = (WIDTH - 40) * seconds / whole
        lines.append(_bar(x, 10, width, STEPS[step], 24))
        column, row = number % 7, number // 7
        lines += [
            _bar(20 + 138 * column, 44 + 18 * row, 10, STEPS[step], 10),
            _text(34 + 138 * column, 53 + 18 * row, f"{step} {seconds / whole:.0%}"),
        ]
        x += width
    others = [record for record in records if "weak_scaling_by_core_seconds" in record]
    lines += [
        _text(
            20,
            98,
            f"Two workers, twice the work: {record['weak_scaling_by_core_seconds']:.0%} of the speed by core seconds, "
            f"{record['weak_scaling_by_seconds']:.0%} by the clock",
            colour=FAINT,
        )
        for record in others
    ]
    return lines, 104


def _model(records: Sequence[Record]) -> tuple[list[str], float]:
    """What a full hour takes, modelled."""
    found = next((record for record in records if record["name"] == "hour_full_model"), None)
    if found is None:
        return [], 0
    lines = [_text(20, 0, f"hour_full_model: {found['core_minutes']:.0f} core minutes from blend to publish", size=13)]
    for row, minutes in enumerate((10, 25)):
        cost = found[f"in_{minutes}_minutes"]
        lines.append(
            _text(
                20, 20 + 17 * row,
                f"in {minutes} minutes: {cost['instances']} instances ({cost['vcpu_minutes']} vCPU minutes), "
                f"${cost['compute_dollars']:.2f} and ${cost['request_dollars']:.2f} for requests, "
                f"bound by {cost['bound_by']}",
            )
        )  # fmt: skip
    growth = ", ".join(f"{factor:.2g} with {name}" for name, factor in found["growth"].items())
    lines.append(_text(20, 58, f"core minutes times {growth}", colour=FAINT))
    return lines, 64
