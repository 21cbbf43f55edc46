"""What `hourcast ensemble`, `tracks` and `train` do: the house's own ensemble, its cyclones, and its network."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline import initial_conditions, journal, paths
from pipeline.config import FourCastNetConfig
from pipeline.cycle import Cycle
from pipeline.operate import latest_hour, open_deployment
from pipeline.operate.status import jobs_table
from pipeline.parameters import blended
from pipeline.sources.fourcastnet import PARAMETERS
from pipeline.steps import Deployment, gather, integrate
from pipeline.steps.ensembles import open_ensemble
from pipeline.steps.initial_state import MODEL, RECORD

if TYPE_CHECKING:
    import xarray as xr

    from pipeline.products.storm_files import Deck
    from pipeline.science.tracks import Track

_FEWEST = 0.2  # of the members that have a storm before it is shown
_SAME_STORM = 500.0  # km, between members and a best track
_GALE = 17.2  # m/s, a threshold of the catalogue


def make_ensemble(config: Path, cycle: str, model: str | None, members: int | None, job: int | None) -> None:
    """Run the stages of the ensemble for one hour; exits with integrate.RETRY_CODE when a signal stopped it."""
    deployment, hour = open_deployment(config), Cycle.parse(cycle)
    settings = deployment.config.fourcastnet or FourCastNetConfig()
    changes: dict[str, Any] = {
        name: value for name, value in (("model", model), ("members", members)) if value is not None
    }
    if members is not None:
        changes["enough_members"] = min(settings.enough_members, members + 1)
    settings = FourCastNetConfig.model_validate(settings.model_dump() | changes)
    deployment = Deployment(deployment.config.model_copy(update={"fourcastnet": settings}), deployment.store)
    shards = integrate.shards(deployment, hour)
    if job is not None and job >= len(shards):
        raise ValueError(f"expected a job from 0 to {len(shards) - 1}; found {job}")
    if not deployment.store.exists(paths.work(hour, RECORD)):
        initial_conditions.run(deployment, hour, MODEL)
    try:
        for shard in shards if job is None else shards[job : job + 1]:
            integrate.run(deployment, hour, shard)
            print(f"members {shard} are done", flush=True)
    except integrate.StoppedError as stopped:
        print(f"hourcast: {stopped}", file=sys.stderr)
        sys.exit(integrate.RETRY_CODE)
    if all(deployment.store.exists(paths.work(hour, f"{MODEL}/{shard}.json")) for shard in shards):
        gather.run(deployment, hour, MODEL)
        print(paths.ensemble(hour, MODEL))
        Console(highlight=False).print(
            jobs_table(journal.jobs(deployment.store, hour)), _spread_table(open_ensemble(deployment, hour, MODEL))
        )


def _spread_table(members: xr.Dataset) -> Table:
    """How far the members are apart on the sphere's average, and how sure a gale is where it is surest, by day."""
    leads = [lead for lead in members["lead_time"].values if lead % 24 == 0]
    table = Table("lead", *(f"+{lead} h" for lead in leads), title="the members' spread")
    area = np.cos(np.deg2rad(members["latitude"].values))
    for row in (blended()[name] for name in PARAMETERS):
        squares = members[f"{row.name}_spread"].sel(lead_time=leads).values ** 2
        spreads = np.average(squares.mean(2), axis=1, weights=area) ** 0.5
        table.add_row(f"{row.long_name}, {row.units}", *(f"{spread:.3g}" for spread in spreads))
    gales = members["wind_speed_10m_exceedance"].sel(wind_speed_10m_threshold=_GALE, lead_time=leads)
    most = gales.max(("latitude", "longitude")).values
    table.add_row(f"members with {_GALE:g} m/s, where most", *(f"{share:.0%}" for share in most))
    return table


def show_tracks(config: Path, cycle: str | None, best: Path | None) -> None:
    """Print the storms of an hour's ensembles, and their errors against a best track."""
    deployment = open_deployment(config)
    hour = Cycle.parse(cycle) if cycle else latest_hour(deployment.store)
    names = [info.key for info in deployment.store.list(paths.tracks(hour, "").rstrip("/"))]
    collections = [json.loads(deployment.store.read(name)) for name in names if name.endswith(".geojson")]
    if not collections:
        raise FileNotFoundError(f"there are no tracks of {hour}; run the hour first")
    truth = _best(best, hour) if best else []
    for collection in collections:
        _show(collection, deployment, truth, hour)


def _best(path: Path, hour: Cycle) -> list[Deck]:
    """The best tracks of a file that have a fix within five days after the hour."""
    from pipeline.products.storm_files import BEST, read_atcf, read_hurdat

    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    decks = read_hurdat(text) if text.split(",")[0].strip()[2:].isdigit() else read_atcf(text)
    ends = hour.init_time + timedelta(days=5)
    return [
        deck for deck in decks if deck.technique == BEST and deck.start <= ends
        and deck.start + timedelta(hours=deck.track[-1].lead_hours) >= hour.init_time
    ]  # fmt: skip


def _show(collection: Mapping[str, Any], deployment: Deployment, truth: Sequence[Deck], hour: Cycle) -> None:
    from pipeline.products.storms import TROPICS, storms_of, strongest
    from pipeline.science.strike import landfalls, summary
    from pipeline.steps.surface import surface

    land, members = surface(deployment)[1].reshape(deployment.grid.shape), len(collection["members"])
    table = Table("storm", "members", "strongest wind", "comes ashore", "when", "where", title=collection["title"])
    errors: list[str] = []
    for number, storm in enumerate(storms_of(collection, TROPICS), 1):
        if len(storm) < _FEWEST * members:
            continue
        ashore = summary(landfalls(storm, land, deployment.grid), members)
        place = (
            f"{ashore.latitude:.1f} N {ashore.longitude:.1f} E ± {ashore.spread_km:.0f} km" if ashore.latitude else "-"
        )
        when = "-" if ashore.lead_hours is None else f"+{ashore.lead_hours:.0f} h ± {ashore.spread_hours:.0f} h"
        counts = f"{len(storm)} of {members}", f"{strongest(storm):.0f} m/s", f"{ashore.probability:.0%}"
        table.add_row(str(number), *counts, when, place)
        errors += _errors(storm, truth, hour)
    Console(highlight=False).print(table)
    print("".join(f"{line}\n" for line in errors), end="")


def _errors(storm: Mapping[int, Track], truth: Sequence[Deck], hour: Cycle) -> Iterator[str]:
    """Spread and error in km of one storm against a best track, if one is near it in its first day, a line a day."""
    from pipeline.science.track_errors import mean_errors, spread_and_error, track_errors

    for deck in truth:
        offset = (hour.init_time - deck.start) / timedelta(hours=1)
        errors = mean_errors([track_errors(track, deck.track, offset_hours=offset) for track in storm.values()])
        early = [error.distance for lead, error in errors.items() if lead <= min(errors) + 24]
        if not early or min(early) > _SAME_STORM:
            continue
        shifted = tuple(replace(fix, lead_hours=fix.lead_hours - offset) for fix in deck.track)
        for lead, (spread, error) in spread_and_error(storm, shifted).items():
            if lead in errors and lead % 24 == 0:
                yield (
                    f"{deck.storm} +{lead:.0f} h: spread {spread:.0f} km, error of the mean {error:.0f} km; members on "
                    f"average {errors[lead].along:+.0f} km along, {errors[lead].across:+.0f} km across, wind "
                    f"{errors[lead].wind:+.1f} m/s"
                )
