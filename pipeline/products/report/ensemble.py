"""An ensemble's statistics as a forecaster looks at them: the members' mean pressure, and where they are apart."""

from __future__ import annotations

import xarray as xr

from pipeline.products.report import charts, colours, projection, symbols

LEAD = 72  # hours, or as far as the members go
NEEDED = ("pressure_at_sea_level_mean", "pressure_at_sea_level_spread")


def spread_figure(name: str, members: xr.Dataset) -> str:
    """HTML figure of an ensemble that has its statistics beside it; it refers to the shapes of the page."""
    leads = members["lead_time"].values
    lead = int(leads[leads <= LEAD][-1])
    mean, spread = (members[part].sel(lead_time=lead).values for part in NEEDED)
    canvas = projection.Canvas(mean.shape)
    picture = projection.picture(canvas, spread / 100, colours.SPREAD)
    size = f'width="{projection.WIDTH:g}" height="{projection.HEIGHT:g}"'
    over = f'<use href="#land" class="coast"/>{symbols.isobars(mean)}<use href="#globe" class="edge"/>'
    content = f'<use href="#globe" class="sea"/><image href="{picture}" {size}/>{over}'
    drawn = charts.svg(
        projection.WIDTH, projection.HEIGHT, content, "mean and spread of sea-level pressure", "chart tracks world"
    )
    keys = "".join(
        f'<span><i style="background:{colours.SPREAD.hex(band)}"></i>≥ {edge:g}</span>'
        for band, edge in enumerate(colours.SPREAD.edges, 1)
    )
    title = f"<b>{name}: where its members are apart</b> mean pressure at +{lead} h, in colour their spread in hPa"
    return f'<figure class="spread"><figcaption>{title}</figcaption><div class="keys">{keys}</div>{drawn}</figure>'
