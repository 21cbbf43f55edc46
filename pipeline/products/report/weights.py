"""How far each source is trusted, where and at which lead: maps of weights, of removed biases, and mean shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pipeline import parameters
from pipeline.products.display import display
from pipeline.products.report import charts, colours, projection
from pipeline.products.weights import as_used

SHOWN = (
    "temperature_2m", "dew_point_temperature_2m", "wind_speed_10m", "pressure_at_sea_level", "precipitation",
    "significant_wave_height",
)  # fmt: skip
LEAST_SHARE = 0.002  # a source below it everywhere takes no part in the parameter
LARGE, SMALL = 760, 380  # picture widths
_STRENGTH = ((0.0, 110), (0.3, 180), (0.5, 255))  # the dominant weight from which, and its opacity


def source_colours(names: Sequence[str]) -> dict[str, str]:
    """A fixed colour by source, in the order given."""
    return {name: colours.SOURCE_COLOURS[k % len(colours.SOURCE_COLOURS)] for k, name in enumerate(names)}


def weight_maps(weights: xr.Dataset, land: NDArray[np.floating], palette: Mapping[str, str]) -> list[dict[str, object]]:
    """One entry a parameter: lead bins, dominant-source pictures, mean shares; per-source pictures for the first.

    weights: `weights.zarr`.
    """
    names = [name for name in SHOWN if f"{name}_weight" in weights]
    large, small = (projection.Canvas(land.shape, width=width) for width in (LARGE, SMALL))
    area = np.cos(np.deg2rad(weights["latitude"].values))[:, None] * np.ones(land.shape)
    entries: list[dict[str, object]] = []
    for name in names:
        values = as_used(weights, name)
        row = parameters.parameter(name)
        valid = np.ones(land.shape) if row.domain == "all" else (land < 0.5) * 1.0
        shares = np.average(values, axis=(2, 3), weights=area * valid)
        shares = shares / np.maximum(shares.sum(axis=0), 1e-9)
        taking = [k for k in range(len(shares)) if shares[k].max() >= LEAST_SHARE]
        sources = [str(weights["source"].values[k]) for k in taking]
        leads = [int(lead) for lead in weights["lead_bin"].values]
        hide = large.raster(land) > 0.5 if row.domain == "sea" else None
        tones = [palette[source] for source in sources]
        entries.append({
            "name": name, "title": display(name).title, "leads": leads, "sources": sources,
            "dominant": [dominant(large, values[taking, k], tones, hide) for k in range(len(leads))],
            "chart": charts.stacked_weights(dict(zip(sources, shares[taking].tolist(), strict=True)), leads, palette),
            "each": [_each(small, weights, name, k, values[k]) for k in taking] if name == names[0] else [],
        })  # fmt: skip
    return entries


def _each(canvas: projection.Canvas, weights: xr.Dataset, name: str, source: int, values: NDArray) -> dict[str, object]:
    """Pictures by lead bin of one source: its weight in per cent and the bias taken off it."""
    bias = np.nan_to_num(weights[f"{name}_bias"].values[source])
    return {
        "weight": [projection.picture(canvas, 100 * field, colours.WEIGHT) for field in values],
        "bias": [projection.picture(canvas, field, colours.BIAS) for field in bias],
        "mean_bias": [float(np.mean(field)) for field in bias],
    }


def dominant(
    canvas: projection.Canvas, weights: NDArray[np.floating], tones: Sequence[str], hide: NDArray[np.bool_] | None
) -> str:
    """A picture of the source with the largest weight, the fuller the larger.

    weights: (source, latitude, longitude).
    """
    fields = np.nan_to_num(np.stack([canvas.raster(field) for field in weights]))
    outside = canvas.outside if hide is None else canvas.outside | hide
    best, strength = fields.argmax(axis=0), fields.max(axis=0)
    level = np.sum([strength >= start for start, _ in _STRENGTH[1:]], axis=0, dtype=np.uint8)
    bands = np.where(outside, len(tones) * len(_STRENGTH), best * len(_STRENGTH) + level).astype(np.uint8)
    entries = [[*_rgb(tone), opacity] for tone in tones for _, opacity in _STRENGTH] + [[0, 0, 0, 0]]
    return projection.png(bands, np.array(entries, np.uint8))


def _rgb(tone: str) -> tuple[int, int, int]:
    return int(tone[1:3], 16), int(tone[3:5], 16), int(tone[5:7], 16)
