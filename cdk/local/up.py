"""`hourcast cloud up`: an hour of the embedded world in a local cloud, which then stays for whoever wants to look."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cdk.local.cloud import CREDENTIALS, LocalCloud, create_public_bucket, running
from cdk.local.deployment import Hourcast, deploy
from cdk.local.figures import report, transitions
from models.dycore import RESTART_TIME
from pipeline import paths
from pipeline.cycle import Cycle
from pipeline.sources import SOURCES
from pipeline.store import Store
from pipeline.world.build import build
from pipeline.world.schedule import Extent

EXTENT = Extent(days=3, lead_hours=(6, 24), forecast_hours=24)
HOUR = Cycle(RESTART_TIME) + 24 * (EXTENT.days + 2)
"""The earliest that the world can have."""
TAKEN = ("gfs", "ifs", "aifs", "gdas")
PARAMETERS = (
    "temperature_2m", "dew_point_temperature_2m", "eastward_wind_10m", "northward_wind_10m", "pressure_at_sea_level",
    "precipitation", "total_cloud_cover",
)  # fmt: skip
NAME = "hourcast"
WORKERS = 2
OUTER = ("Claim", "Wave", "Mark", "Tell")
_POLL_SECONDS = 0.5

_FAREWELL = """
The cloud runs on until Ctrl-C. In another shell, after `source {folder}/environment`:

  hourcast status --config {folder}/forecast.yaml
  hourcast point --lat 51.5 --lon -0.1 --config {folder}/forecast.yaml
  aws s3 ls --recursive s3://{name}/{path}/         or any other client of S3, Step Functions, Batch, DynamoDB
  {address}/moto-api/      every resource there is, in a browser
  {folder}/logs            what functions and jobs said
"""


def up(folder: Path) -> None:
    """Build a small world in `folder` unless it is there, make its hour in a cloud, and wait for Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say(f"SYNTHETIC world of {EXTENT.days} days before {HOUR} in {folder}/world: a minute or two, once")
    build(folder / "world", hour=HOUR, workers=WORKERS, extent=EXTENT)
    (folder / "logs").mkdir(exist_ok=True)
    with running(folder / "logs") as cloud:
        buckets = open_data()
        count = sum(upload(cloud, folder / "world", bucket) for bucket in buckets)
        say(f"{cloud.address}: {count} files in the buckets {', '.join(buckets)}")
        hourcast = deploy(cloud, NAME, settings(cloud))
        began = time.monotonic()
        hourcast.trigger(HOUR)
        for name in progress(hourcast):
            say(f"{time.monotonic() - began:6.1f} s  {name}")
        if hourcast.wait(0) != ["SUCCEEDED"]:
            raise RuntimeError(f"{hourcast.error()}; see {folder}/logs")
        say(report(cloud.figures(), transitions(hourcast.history())))
        for told in hourcast.told():
            say(f"Subscribers were told: {json.dumps(told)}")
        leave_notes(folder, hourcast)
        say(_FAREWELL.format(folder=folder, name=NAME, path=paths.forecast(HOUR), address=cloud.address))
        signal.pause()


def say(text: str) -> None:
    """Tell whoever watches, at once."""
    print(text, flush=True)


def open_data() -> tuple[str, ...]:
    """The buckets that the sources and observations of the world lie in."""
    return (*dict.fromkeys(SOURCES[name].folder for name in TAKEN), "observations")


def upload(cloud: LocalCloud, world: Path, bucket: str) -> int:
    """Put a folder of the world into a public bucket of its name, as it is; how many files."""
    create_public_bucket(cloud, bucket)
    there, here = Store.open(f"s3://{bucket}", endpoint=cloud.address), Store.open(f"file://{world}/{bucket}")
    found = here.list("")
    for info in found:
        there.write(info.key, here.read(info.key))
    return len(found)


def settings(cloud: LocalCloud) -> dict[str, Any]:
    """The forecast.yaml of the hour, but for the store: few parameters on a coarse grid, for a machine of two cores."""
    endpoint = {"endpoint": cloud.address}
    without = {name: sorted(SOURCES[name].carries - {*PARAMETERS}) for name in TAKEN}
    return {
        "synthetic": True, "grid_resolution": 6, "last_lead_hours": EXTENT.forecast_hours, "tile_rows": 8,
        "sources": {name: endpoint | {"without": without[name], "lead_step_hours": 3} for name in TAKEN},
        "observations": endpoint | {"networks": ["metar", "ndbc"]}, "workers": WORKERS,
        "learning": {"days": EXTENT.days, "every_hours": 24, "lead_hours": list(EXTENT.lead_hours)},
        "ramp_hours": 12,
    }  # fmt: skip


def progress(hourcast: Hourcast) -> Iterator[str]:
    """The outer states of the one execution, each when it is entered, until it ends."""
    states, seen, goes_on = hourcast.cloud.client("stepfunctions"), 0, True
    while goes_on:
        (execution,) = hourcast.executions()
        goes_on = execution["status"] == "RUNNING"
        history = states.get_execution_history(executionArn=execution["executionArn"])["events"]
        for event in history[seen:]:
            name = event.get("stateEnteredEventDetails", {}).get("name", "")
            if name.startswith(OUTER):
                yield name
        seen = len(history)
        time.sleep(_POLL_SECONDS)


def leave_notes(folder: Path, hourcast: Hourcast) -> None:
    """What other commands need: the deployment's configuration, and where its cloud is."""
    (folder / "forecast.yaml").write_bytes(hourcast.store.read(paths.CONFIGURATION))
    variables = CREDENTIALS | {"AWS_ENDPOINT_URL": hourcast.cloud.address}
    exports = "".join(f"export {name}={value}\n" for name, value in variables.items())
    (folder / "environment").write_text(exports)
