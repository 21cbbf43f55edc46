"""The STAC item of a published hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import pystac

from pipeline.cycle import Cycle
from pipeline.grid import Grid

ZARR_MEDIA_TYPE = "application/vnd.zarr; version=3"
_ASSETS = {
    "best.zarr": ("Blended forecast", ["data"], ZARR_MEDIA_TYPE),
    "probability.zarr": ("Quantiles and exceedance probabilities", ["data"], ZARR_MEDIA_TYPE),
    "weights.zarr": ("Weights and biases of the sources, and the skill behind them", ["metadata"], ZARR_MEDIA_TYPE),
    "increments.zarr": ("What observations added at lead 0", ["metadata"], ZARR_MEDIA_TYPE),
    "observations.parquet": ("Observations compared with the blend", ["metadata"], pystac.MediaType.PARQUET),
    "manifest.json": ("Provenance", ["metadata"], pystac.MediaType.JSON),
}


def item(hour: Cycle, grid: Grid, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The STAC 1.1 item of an hour, from its provenance document; depends on nothing else, the clock included."""
    used = {name: source for name, source in manifest["sources"].items() if source["cycle"]}
    last_lead = manifest["lead_hours"][-1]
    start, end = (hour.valid_time(lead).replace(tzinfo=UTC) for lead in (manifest["lead_hours"][0], last_lead))
    south, north = float(grid.latitude.min()), float(grid.latitude.max())
    ring = [[-180.0, south], [180.0, south], [180.0, north], [-180.0, north], [-180.0, south]]
    result = pystac.Item(
        id=f"hourcast-{hour}",
        geometry={"type": "Polygon", "coordinates": [ring]},
        bbox=[-180.0, south, 180.0, north],
        datetime=hour.init_time.replace(tzinfo=UTC),
        start_datetime=start,
        end_datetime=end,
        properties={
            "title": manifest["title"],
            "license": "other",
            "synthetic": manifest["synthetic"],
            "forecast:reference_datetime": start.isoformat().replace("+00:00", "Z"),
            "forecast:horizon": f"PT{last_lead}H",
            "gsd": round(grid.resolution * 111_195),
            "attribution": sorted({source["attribution"] for source in used.values()}),
            "source_licences": {name: source["licence"] for name, source in used.items()},
        },
    )
    there = {*manifest["parameters"], "manifest"}
    for name, (title, roles, media_type) in _ASSETS.items():
        if name.split(".")[0] not in there:
            continue
        result.add_asset(name.split(".")[0], pystac.Asset(f"./{name}", title=title, roles=roles, media_type=media_type))
    return result.to_dict(include_self_link=False, transform_hrefs=False)
