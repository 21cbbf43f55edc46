"""The report's words and tables: sources and their ages, degradations, the scoreboard, licences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from pipeline.products import report_charts as charts
from pipeline.products.display import TITLES, display
from pipeline.products.report_charts import COMBINED

Record = Mapping[str, Any]


def sources_table(sources: Mapping[str, Record], palette: Mapping[str, str]) -> str:
    """Every source of the hour: title, cycle, age, state."""
    rows = []
    for name, source in sources.items():
        status = str(source.get("status", ""))
        css = "ok" if status in ("complete", "used", "ok") else "warn"
        age = source.get("age_hours")
        title, cycle = escape(str(source.get("title", ""))), escape(str(source.get("cycle") or "–"))
        rows.append(
            f'<tr><td><i class="dot" style="background:{palette.get(name, "#888")}"></i><b>{escape(name)}</b></td>'
            f"<td>{title}</td><td class=num>{cycle}</td><td class=num>{'–' if age is None else f'{age:g} h'}</td>"
            f'<td><span class="state {css}">{escape(status)}</span></td></tr>'
        )
    head = "<tr><th>Source</th><th>Model</th><th class=num>Cycle</th><th class=num>Age</th><th>State</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def degradations(notes: Sequence[Any]) -> str:
    """What this hour had to do without, or that it lacked nothing."""
    if not notes:
        return '<p class="fine">Nothing was missing: every configured source arrived whole and in time.</p>'
    items = "".join(f"<li>{escape(note if isinstance(note, str) else _sentence(note))}</li>" for note in notes)
    return f'<div class="note"><b>Made without</b><ul>{items}</ul></div>'


def _sentence(note: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in note.items())


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


def _by_row(records: Sequence[Record]) -> dict[tuple[str, int], dict[str, Record]]:
    rows: dict[tuple[str, int], dict[str, Record]] = {}
    for record in records:
        rows.setdefault((record["parameter"], int(record["lead_time_hours"])), {})[record["system"]] = record
    order = {name: number for number, name in enumerate(TITLES)}
    return dict(sorted(rows.items(), key=lambda item: (order.get(item[0][0], 99), item[0])))


def headline(records: Sequence[Record]) -> dict[str, str]:
    """The scoreboard in three figures: wins over the best source and equal weights, mean gains over both."""
    wins, rows, gains = 0, 0, {"best_source": [], "equal_weights": []}  # type: ignore[var-annotated]
    for systems in _by_row(records).values():
        if not {"hourcast", *gains} <= systems.keys():
            continue
        ours = systems["hourcast"]["rmse"]
        rows += 1
        wins += all(ours < systems[name]["rmse"] for name in gains)
        for name, values in gains.items():
            values.append(1 - ours / systems[name]["rmse"])
    if not rows:
        return {}
    mean = {name: f"{-100 * sum(values) / len(values):+.0f} %".replace("-", "−") for name, values in gains.items()}
    return {"wins": f"{wins} of {rows}", "best_source": mean["best_source"], "equal_weights": mean["equal_weights"]}


def scoreboard(records: Sequence[Record]) -> str:
    """RMSE of every system by parameter and lead, the winner marked, with our gain over the best source."""
    rows = _by_row(records)
    systems = {record["system"] for record in records}
    order = [*sorted(systems - COMBINED.keys()), *(name for name in COMBINED if name in systems)]
    heads = "".join(f'<th class="num {name}">{escape(COMBINED.get(name, name))}</th>' for name in order)
    body, previous = [], ""
    for (parameter, lead), found in rows.items():
        shown = display(parameter)
        best = min(record["rmse"] for record in found.values())
        cells = "".join(_score_cell(found.get(name), name, best, shown.factor) for name in order)
        label = f"{escape(shown.title)} <small>{shown.difference_units}</small>" if parameter != previous else ""
        css = ' class="first"' if parameter != previous else ""
        body.append(f"<tr{css}><th>{label}</th><td class=num>{lead} h</td>{cells}{_gain(found)}</tr>")
        previous = parameter
    head = f"<tr><th>RMSE</th><th class=num>Lead</th>{heads}<th class=num>vs best source</th></tr>"
    return f'<table class="scores"><thead>{head}</thead><tbody>{"".join(body)}</tbody></table>'


def _score_cell(record: Record | None, system: str, best: float, factor: float) -> str:
    if record is None:
        return "<td class=num>–</td>"
    worse = min(max(record["rmse"] / best - 1, 0) / 0.6, 1)
    css = " win" if record["rmse"] <= best else ""
    tip = f"bias {record['bias'] * factor:+.3g}, MAE {record['mae'] * factor:.3g}, n {record['n']}"
    if record.get("rmse_low") is not None:
        tip += f", 95 % interval {record['rmse_low'] * factor:.3g} to {record['rmse_high'] * factor:.3g}"
    digits = 0 if best * factor >= 100 else 1 if best * factor >= 10 else 2 if best * factor >= 0.5 else 3
    value = f"{record['rmse'] * factor:.{digits}f}"
    return f'<td class="num s {system}{css}" style="--w:{worse:.2f}" title="{tip}">{value}</td>'


def _gain(found: Mapping[str, Record]) -> str:
    if not {"hourcast", "best_source"} <= found.keys():
        return "<td class=num>–</td>"
    gain = 100 * (found["hourcast"]["rmse"] / found["best_source"]["rmse"] - 1)
    css = "good" if gain < 0 else "bad"
    return f'<td class="num {css}">{gain:+.0f} %</td>'.replace("-", "−")


def score_charts(records: Sequence[Record]) -> str:
    """One chart of RMSE against lead per parameter."""
    by_parameter: dict[str, list[Record]] = {}
    for (parameter, _), systems in _by_row(records).items():
        by_parameter.setdefault(parameter, []).extend(systems.values())
    drawn = []
    for parameter, rows in by_parameter.items():
        shown = display(parameter)
        chart = charts.rmse_by_lead(rows, shown.title, shown.difference_units, shown.factor)
        drawn.append(f"<figure>{chart}</figure>")
    return "".join(drawn)
