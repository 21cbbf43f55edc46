"""The report's tables of what the hour was made from: sources and their ages, degradations, licences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from pipeline.cycle import Cycle

Record = Mapping[str, Any]
SHOWN_NOTES = 5


def sources_table(sources: Mapping[str, Record], palette: Mapping[str, str]) -> str:
    """Every source of the hour: title, cycle, age, state."""
    rows = []
    for name, source in sources.items():
        status = str(source.get("status", ""))
        css = "ok" if status in ("complete", "used", "ok") else "warn"
        age = source.get("age_hours")
        title = escape(str(source.get("title", "")))
        cycle = f"{Cycle.parse(source['cycle']).init_time:%d %b %H} UTC" if source.get("cycle") else "–"
        rows.append(
            f'<tr><td><i class="dot" style="background:{palette.get(name, "#888")}"></i><b>{escape(name)}</b></td>'
            f"<td>{title}</td><td class=num>{cycle}</td><td class=num>{'–' if age is None else f'{age:g} h'}</td>"
            f'<td><span class="state {css}">{escape(status)}</span></td></tr>'
        )
    head = "<tr><th>Source</th><th>Model</th><th class=num>Cycle</th><th class=num>Age</th><th>State</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def degradations(notes: Sequence[str]) -> str:
    """What this hour had to do without, the first notes open, or that it lacked nothing."""
    if not notes:
        return '<p class="fine">Nothing was missing: every configured source arrived whole and in time.</p>'
    items = [f"<li>{escape(note)}</li>" for note in notes]
    more = ""
    if len(items) > SHOWN_NOTES:
        rest = f"<ul>{''.join(items[SHOWN_NOTES:])}</ul>"
        more = f"<details><summary>{len(items) - SHOWN_NOTES} more</summary>{rest}</details>"
    return f'<div class="note"><b>Made without</b><ul>{"".join(items[:SHOWN_NOTES])}</ul>{more}</div>'


def licences(sources: Mapping[str, Record]) -> str:
    """Attribution and licence, sources with the same ones together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, source in sources.items():
        groups.setdefault((str(source.get("attribution", "")), str(source.get("licence", ""))), []).append(name)
    items = (
        f"<li><b>{escape(', '.join(names))}</b> {escape(attribution)} <span>{escape(licence)}</span></li>"
        for (attribution, licence), names in groups.items()
    )
    return f'<ul class="licences">{"".join(items)}</ul>'
