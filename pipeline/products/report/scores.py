"""The report's scoreboard: how the blend and every source scored, as figures, charts and a table; calibration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.products.display import TITLES, display
from pipeline.products.report import charts
from pipeline.products.report.charts import COMBINED
from pipeline.store import Store

Record = Mapping[str, Any]
_ORDER = {name: number for number, name in enumerate(TITLES)}


@dataclass(frozen=True)
class Scores:
    """Records of scores.json and calibration.json of one scored hour; None and empty if there are none yet."""

    hour: Cycle | None
    records: Sequence[Record]
    calibration: Sequence[Record]


def read_scores(store: Store, hour: Cycle) -> Scores:
    """Scores of the newest hour up to this one that has them: the truth of this one comes later."""
    hours = [Cycle.parse(name) for name in store.list_folders("scores")]
    scored = max((one for one in hours if one <= hour and store.exists(paths.scores(one, "scores.json"))), default=None)
    if scored is None:
        return Scores(None, [], [])
    calibration = paths.scores(scored, "calibration.json")
    records = json.loads(store.read(paths.scores(scored, "scores.json")))
    return Scores(scored, records, json.loads(store.read(calibration)) if store.exists(calibration) else [])


def section(hour: Cycle, scores: Scores) -> str:
    """The whole section as HTML."""
    if scores.hour is None or not scores.records:
        return '<p class="fine">No scores yet: the valid times of this hour have not passed.</p>'
    when = "" if scores.hour == hour else f"Scores of the hour {scores.hour.init_time:%Y-%m-%d %H} UTC. "
    main = [record for record in scores.records if record["parameter"] in TITLES]
    rest = [record for record in scores.records if record["parameter"] not in TITLES]
    board = f'<div class="small-multiples">{score_charts(main)}</div>{_KEYS}{scoreboard(main)}' if main else ""
    if rest:
        count = len({record["parameter"] for record in rest})
        board += f"<details><summary>{count} more parameters</summary>{scoreboard(rest)}</details>"
    return f'<p class="lead">{when}{_summary(scores.records)}</p>{board}'


def _summary(records: Sequence[Record]) -> str:
    won = headline(records)
    if not won:
        return ""
    return (
        f"Hourcast beats both the best single source and the equal-weight mean in <b>{won['wins']}</b> pairs of "
        f"parameter and lead; RMSE <b>{won['best_source']}</b> against the best source known beforehand, "
        f"<b>{won['equal_weights']}</b> against equal weights."
    )


_KEYS = '<div class="keys lines">' + "".join(
    f'<span><svg viewBox="0 0 26 8"><line class="sys {name}" x2="26" y1="4" y2="4"/></svg>{label}</span>'
    for name, label in {**dict(reversed(COMBINED.items())), "source": "each source"}.items()
) + "</div>"  # fmt: skip


def _by_row(records: Sequence[Record]) -> dict[tuple[str, int], dict[str, Record]]:
    rows: dict[tuple[str, int], dict[str, Record]] = {}
    for record in records:
        rows.setdefault((record["parameter"], int(record["lead_time_hours"])), {})[record["system"]] = record
    return dict(sorted(rows.items(), key=lambda item: (_ORDER.get(item[0][0], 99), item[0])))


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
    order = [*(name for name in reversed(COMBINED) if name in systems), *sorted(systems - COMBINED.keys())]
    heads = "".join(f'<th class="num {name}">{escape(COMBINED.get(name, name))}</th>' for name in order)
    least: dict[str, float] = {}
    for (parameter, _), found in rows.items():
        least[parameter] = min(least.get(parameter, np.inf), *(record["rmse"] for record in found.values()))
    body, previous = [], ""
    for (parameter, lead), found in rows.items():
        shown = display(parameter)
        best = min(record["rmse"] for record in found.values())
        digits = _digits(least[parameter] * shown.factor)
        cells = "".join(_score_cell(found.get(name), name, best, shown.factor, digits) for name in order)
        label = f"{escape(shown.title)} <small>{shown.difference_units}</small>" if parameter != previous else ""
        css = ' class="first"' if parameter != previous else ""
        body.append(f"<tr{css}><th>{label}</th><td class=num>{lead} h</td>{_gain(found)}{cells}</tr>")
        previous = parameter
    head = f"<tr><th>RMSE</th><th class=num>Lead</th><th class=num>vs best source</th>{heads}</tr>"
    table = f'<table class="scores"><thead>{head}</thead><tbody>{"".join(body)}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _digits(smallest: float) -> int:
    """Decimals that show differences of a per cent or two."""
    return 0 if smallest >= 100 else 1 if smallest >= 10 else 2 if smallest >= 0.5 else 3


def _score_cell(record: Record | None, system: str, best: float, factor: float, digits: int) -> str:
    if record is None:
        return "<td class=num>–</td>"
    worse = min(max(record["rmse"] / best - 1, 0) / 0.6, 1)
    css = " win" if record["rmse"] <= best else ""
    tip = f"bias {record['bias'] * factor:+.3g}, MAE {record['mae'] * factor:.3g}, n {record['n']}"
    if record.get("rmse_low") is not None:
        tip += f", 95 % interval {record['rmse_low'] * factor:.3g} to {record['rmse_high'] * factor:.3g}"
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
