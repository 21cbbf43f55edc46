"""The report of one published hour: one self-contained HTML page, readable without a network."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import __version__, paths
from pipeline.config import Place
from pipeline.cycle import Cycle
from pipeline.products.opened import opened
from pipeline.products.point import coordinates
from pipeline.products.report import calibration as report_calibration
from pipeline.products.report import charts, proof, tables
from pipeline.products.report import scores as report_scores
from pipeline.products.report.colours import BIAS, WEIGHT
from pipeline.products.report.ensemble import NEEDED, spread_figure
from pipeline.products.report.maps import blend_maps, ground, legend
from pipeline.products.report.places import meteogram
from pipeline.products.report.tracks import tracks_section
from pipeline.products.report.weights import source_colours, weight_maps
from pipeline.stages import STAGES
from pipeline.store import Store

PLACES = (
    Place(name="London", latitude=51.5, longitude=-0.1),
    Place(name="New York", latitude=40.7, longitude=-74.0),
    Place(name="Tokyo", latitude=35.7, longitude=139.7),
    Place(name="Sydney", latitude=-33.9, longitude=151.2),
)


def draw_maps(store: Store, hour: Cycle) -> dict[str, Any]:
    """What the page's script shows of a published hour: maps of the forecast and of the weights.

    FileNotFoundError if the hour is not published.
    """
    manifest, best = _published(store, hour)
    land, palette = _land(store, best), source_colours(list(manifest.get("sources", {})))
    return {"viewer": blend_maps(best, hour, land), "trust": _trust(store, hour, land, palette), "palette": palette}


def write_report(
    store: Store, hour: Cycle, path: Path, *, maps: Mapping[str, Any], places: Sequence[Place] = (),
    why: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write the page of a published hour to `path`; meteograms at `places`, else at four cities.

    maps: from `draw_maps`; why: by the name of a place a picture (SVG) of the chain behind one of its numbers.
    FileNotFoundError if the hour is not published; what else is not there yet (scores, tracks) is left out.
    """
    manifest, best = _published(store, hour)
    land, palette, trust = _land(store, best), maps["palette"], maps["trust"]
    scores = report_scores.read_scores(store, hour)
    values = _header(hour, manifest, best, scores.records)
    values |= {
        "ground": _ground_svg(ground(land)),
        "sources": tables.sources_table(manifest.get("sources", {}), palette),
        "degradations": tables.degradations(manifest.get("degradations", [])),
        "licences": tables.licences(manifest.get("sources", {})),
        "places": _places(store, hour, best, places or PLACES, why or {}),
        "tracks": _tracks(store, hour, land) + _spread(store, hour),
        "trust": "" if trust else "hidden",
        "scores": report_scores.section(hour, scores),
        **_proof(store, scores),
        "timings": _timings(store, hour),
        "data": json.dumps(dict(maps)).replace("</", "<\\/"),
        "css": _asset("report.css"),
        "script": _asset("report.js"),
    }
    text = Template(_asset("report.html")).substitute(values)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _published(store: Store, hour: Cycle) -> tuple[dict[str, Any], xr.Dataset]:
    """The manifest and the forecast of an hour."""
    manifest: dict[str, Any] = json.loads(store.read(paths.forecast(hour, "manifest.json")))
    best = _open(store, paths.forecast(hour, "best.zarr"))
    if best is None:
        raise FileNotFoundError(f"{paths.forecast(hour, 'best.zarr')} is missing; run the hour again before reporting")
    return manifest, best


def _asset(name: str) -> str:
    return resources.files("pipeline.products.report").joinpath(name).read_text(encoding="utf-8")


def _open(store: Store, key: str, *, consolidated: bool = True) -> xr.Dataset | None:
    """A group, or None."""
    try:
        return opened(store, key, consolidated=consolidated)
    except FileNotFoundError:
        return None


def _land(store: Store, best: xr.Dataset) -> NDArray[np.floating]:
    """The land fraction, or open sea everywhere if none is stored."""
    static = _open(store, paths.static_fields(), consolidated=False)
    if static is None:
        return np.zeros((best.sizes["latitude"], best.sizes["longitude"]))
    return np.asarray(static["land_area_fraction"].values, np.float64)


def _header(hour: Cycle, manifest: Mapping[str, Any], best: xr.Dataset, scores: Sequence[Mapping]) -> dict[str, str]:
    """Title, facts and the label of a synthetic world."""
    synthetic = bool(manifest.get("synthetic"))
    start = hour.init_time
    sources = manifest.get("sources", {})
    used = sum(1 for source in sources.values() if source.get("cycle"))
    last = int(best["lead_time"].values[-1])
    facts = [
        (f"{used}", f"of {len(sources)} sources"), (f"{last} h", "ahead, hour by hour"),
        (f"{len(best.data_vars)}", "parameters"), (f"{_resolution(best):g}°", "global grid"),
    ]  # fmt: skip
    won = report_scores.headline(scores)
    if won:
        facts.append((won["best_source"], "RMSE against the best source"))
    shown = "".join(f"<div><b>{escape(figure)}</b><span>{escape(label)}</span></div>" for figure, label in facts)
    return {
        "title": f"{'SYNTHETIC · ' if synthetic else ''}Hourcast {start:%Y-%m-%d %H} UTC",
        "day": f"{start:%A} {start.day} {start:%B %Y}",
        "clock": f"{start:%H} UTC",
        "banner": _BANNER if synthetic else "",
        "facts": shown,
        "version": __version__,
    }


_BANNER = (
    '<div class="synthetic" role="note"><b>Synthetic world</b> Sources, observations and truth are computed by the '
    "embedded world simulator. This is no forecast of real weather.</div>"
)


def _resolution(best: xr.Dataset) -> float:
    return abs(float(best["latitude"].values[1] - best["latitude"].values[0]))


def _ground_svg(shapes: Mapping[str, str]) -> str:
    """Definitions that every map on the page refers to."""
    return (
        f'<path id="globe" d="{shapes["edge"]}"/><path id="graticule" d="{shapes["graticule"]}"/>'
        f'<path id="land" fill-rule="evenodd" d="{shapes["land"]}"/>'
    )


def _trust(store: Store, hour: Cycle, land: NDArray[np.floating], palette: Mapping[str, str]) -> dict[str, Any] | None:
    weights = _open(store, paths.forecast(hour, "weights.zarr"))
    if weights is None:
        return None
    entries = weight_maps(weights, land, palette)
    return {"parameters": entries, "weight": legend(WEIGHT), "bias": legend(BIAS)} if entries else None


def _proof(store: Store, scores: report_scores.Scores) -> dict[str, str]:
    """The sections of calibration and of what each part gains, hidden where there is nothing to show."""
    calibration = report_calibration.section(scores.calibration)
    parts = {
        "The first hours": proof.first_hours(proof.read(store, scores.hour, "ramp.json")),
        "Steadiness": proof.steadiness(proof.read(store, scores.hour, "stability.json")),
        "Left out one by one": proof.ablation(proof.read(store, scores.hour, "ablation.json")),
    }
    shown = "".join(f"<h3>{title}</h3>{part}" for title, part in parts.items() if part)
    return {
        "calibration": calibration, "calibrated": "" if calibration else "hidden",
        "proof": shown, "proven": "" if shown else "hidden",
    }  # fmt: skip


def _places(store: Store, hour: Cycle, best: xr.Dataset, places: Sequence[Place], why: Mapping[str, str]) -> str:
    probability = _open(store, paths.forecast(hour, "probability.zarr"))
    drawn = []
    for place in places:
        chart = meteogram(best, probability, hour, place.latitude, place.longitude)
        name, where = escape(place.name), coordinates(place.latitude, place.longitude)
        chain = _why(why[place.name]) if place.name in why else ""
        drawn.append(f"<figure><figcaption><b>{name}</b> {where}</figcaption>{chart}{chain}</figure>")
    return "".join(drawn)


def _why(picture: str) -> str:
    """A picture to unfold; as an image, so that its styles stay its own."""
    image = base64.b64encode(picture.encode()).decode()
    picture_of = '<img alt="the chain behind one number of this place" loading="lazy"'
    return (
        "<details class=why><summary>Why this number: its sources, their biases and weights, the observations</summary>"
        f'{picture_of} src="data:image/svg+xml;base64,{image}"></details>'
    )


def _tracks(store: Store, hour: Cycle, land: NDArray[np.floating]) -> str:
    keys = [item.key for item in store.list(paths.tracks(hour, "")) if item.key.endswith(".geojson")]
    collections = [json.loads(store.read(key)) for key in keys]
    return tracks_section(collections, land) or '<p class="fine">The ensemble holds no cyclone at this hour.</p>'


def _spread(store: Store, hour: Cycle) -> str:
    """Figures of the ensembles that have statistics over their members."""
    names = store.list_folders(paths.ensemble(hour, "").rpartition("/")[0])
    opened = {
        name.removesuffix(".zarr"): _open(store, paths.ensemble(hour, name.removesuffix(".zarr")), consolidated=False)
        for name in names
    }
    return "".join(
        spread_figure(name, members)
        for name, members in opened.items()
        if members is not None and all(part in members for part in NEEDED)
    )


def _timings(store: Store, hour: Cycle) -> str:
    """Seconds of work by stage out of the journal's records, in the order of the table of stages."""
    rows = []
    for stage in STAGES:
        records = [json.loads(store.read(item.key)) for item in store.list(paths.journal(hour, stage.name))]
        if records:
            rows.append((stage.name, len(records), sum(float(record["seconds"]) for record in records)))
    return charts.timings(rows) if rows else '<p class="fine">No timings were kept.</p>'
