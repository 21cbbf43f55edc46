"""What an hour costs, in dollars and in energy: what it uses, times dated tables of prices and of watt hours."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cost.model import VCPUS, Hour, Rates, core_seconds, machines, stored_bytes, supply_seconds, traffic
from pipeline.stages import STAGES, stage

if TYPE_CHECKING:
    from pipeline.journal import Job
    from pipeline.store.traffic import Traffic

HOURS_A_MONTH = 730
REGION = "us-east-1"
COLUMNS = ("item", "region", "unit", "dollars", "date", "source")
ASSUMED = "assumed"
CPU, GRAVITON, GPU = "c7a.4xlarge", "c8g.4xlarge", "g6e.xlarge"
GPU_SECONDS_A_MEMBER = 30
"""DTN's published 15 minutes for 30 members on one GPU of the family, start and all."""
DAYS_A_MONTH = 365 / 12
KEPT_DAYS = {"forecast": 30, "input": 33, "skill": 33, "work": 3}
"""In the standard class: until it is archived, retained as examples/production.yaml has it, expired."""
OUTSIDE = 0.5
"""Part of what arrives that lies outside the region (ECMWF, DWD, ECCC) and comes through the NAT gateway."""
ENDPOINTS, ZONES = 6, 2
TRANSITIONS_A_STAGE, WAVES, OTHER_TRANSITIONS = 6, 9, 4
"""States that an undisturbed hour enters: of each stage; the waves; claim, mark, tell and the end."""
CALLS_A_STAGE, OTHER_CALLS = 2, 3
LAMBDA_GB_SECONDS = 2.0
"""Of a call: 2 GB for a second."""


@dataclass(frozen=True)
class Price:
    """Dollars of a unit of an item in a region."""

    unit: str
    dollars: float
    source: str

    @property
    def assumed(self) -> bool:
        """Whether nobody has checked it."""
        return self.source.startswith(ASSUMED)


@dataclass(frozen=True)
class Use:
    """So many units of an item of the price table, for a purpose."""

    what: str
    item: str
    quantity: float


@dataclass(frozen=True)
class Charge:
    """A use and what it costs."""

    use: Use
    price: Price

    @property
    def dollars(self) -> float:
        """Of one hour."""
        return self.use.quantity * self.price.dollars


def read_prices(region: str, path: Path | None = None) -> dict[str, Price]:
    """The prices of a region by item, of the table here or of a file like it; ValueError says what is wrong with it."""
    text = _text("prices.csv", path)
    rows = list(csv.DictReader(text.splitlines()))
    if not rows or set(COLUMNS) - set(rows[0]):
        raise ValueError(f"{path}: expected the columns {', '.join(COLUMNS)}; found {text.splitlines()[:1]}")
    regions = sorted({row["region"] for row in rows})
    if region not in regions:
        raise ValueError(f"expected a region with prices, one of {', '.join(regions)}; found {region!r}")
    return {row["item"]: _price(row) for row in rows if row["region"] == region}


def regions() -> set[str]:
    """Those that the table of prices has."""
    return {row["region"] for row in csv.DictReader(_text("prices.csv", None).splitlines())}


def _price(row: Mapping[str, str]) -> Price:
    try:
        dollars = float(row["dollars"])
    except (TypeError, ValueError):
        dollars = -1.0
    if not 0 <= dollars < 1e6:
        raise ValueError(f"{row['item']}: expected dollars of 0 or more; found {row['dollars']!r}")
    return Price(row["unit"], dollars, row["source"])


def read_energy() -> dict[str, float]:
    """Watt hours by item, the data centre's overhead, and grams of CO2e a kWh by region."""
    return {row["name"]: float(row["value"]) for row in csv.DictReader(_text("energy.csv", None).splitlines())}


def _text(name: str, path: Path | None) -> str:
    if path is not None:
        return path.read_text(encoding="utf-8")
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def charges(uses: Iterable[Use], prices: Mapping[str, Price]) -> list[Charge]:
    """The bill of the uses; ValueError for an item without a price."""
    listed = list(uses)
    missing = sorted({use.item for use in listed} - prices.keys())
    if missing:
        raise ValueError(f"expected a price of every item; the table has none of {', '.join(missing)}")
    return [Charge(use, prices[use.item]) for use in listed]


def dollars_a_member(job: Job, prices: Mapping[str, Price]) -> float | None:
    """What a job of the ensemble costs a member at list price: an L40S is rented in a g6e.xlarge, and on a CPU a job
    computes on one core. None for a device that the table has no price of."""
    gpu = "L40S" in job.device
    if not gpu and job.device != "cpu":
        return None
    hourly = prices[GPU].dollars if gpu else prices[CPU].dollars / VCPUS
    return hourly * job.seconds / 3600 / job.members


def kilowatt_hours(uses: Iterable[Use], energy: Mapping[str, float]) -> float:
    """Electricity of machines and storage, with the data centre's overhead; making the machines is not in it."""
    return sum(use.quantity * energy.get(_powered(use.item), 0) for use in uses) * energy["overhead"] / 1000


def _powered(item: str) -> str:
    return "s3" if item in ("s3 standard", "s3 archive") else item.removesuffix(" spot")


def modelled(hour: Hour, rate: Rates, *, minutes: float, spot_share: float) -> list[Use]:
    """What an hour of that size uses that is made in so many minutes, at the rates of measured work."""
    supply = supply_seconds(hour, rate)
    fleet = machines(hour, rate, minutes, sum(supply.values()))
    computing = sum(core_seconds(hour, rate).values()) + sum(supply.values())
    cpu = f"{fleet.instances} x {minutes:g} min, {computing / 60:.0f} core minutes"
    moved, stored = traffic(hour, rate), stored_bytes(hour, rate)
    return [
        *_machine(f"CPUs: {cpu}", CPU, fleet.instances * minutes / 60, spot_share),
        *_machine(
            f"GPU: {hour.members_here} members", GPU, hour.members_here * GPU_SECONDS_A_MEMBER / 3600, spot_share
        ),
        *_kept(stored, KEPT_DAYS),
        Use("objects written", "s3 write", moved["puts"] / 1000),
        Use("objects read", "s3 read", moved["gets"] / 1000),
        Use("objects archived", "s3 to archive", moved["puts"] / 1000),
        Use("arrivals from outside the region", "nat traffic", OUTSIDE * stored["input"] / 1e9),
        *_network(),
        *_serverless(calls(hour)),
    ]


def measured(
    seconds: Mapping[str, float],
    stored: Mapping[str, float],
    traffic: Traffic,
    days: Mapping[str, float],
    spot_share: float,
) -> list[Use]:
    """What a run uses: seconds of its shards by stage at the vCPUs of the table, its bytes by folder, its requests."""
    rows = [stage(name) for name in seconds]
    cpu = {row.name: seconds[row.name] * row.vcpus / VCPUS / 3600 for row in rows if not row.gpus}
    gpu = {row.name: seconds[row.name] * row.gpus / 3600 for row in rows if row.gpus}
    uses = [use for name, hours in cpu.items() for use in _machine(f"stage {name}", CPU, hours, spot_share)]
    uses += [use for name, hours in gpu.items() for use in _machine(f"stage {name}", GPU, hours, spot_share)]
    requests = [Use("requests to write and list", "s3 write", traffic.writes / 1000),
                Use("requests to read", "s3 read", traffic.reads / 1000)]  # fmt: skip
    return [*uses, *_kept(stored, days), *requests, *_network(), *_serverless(calls(None))]


def _machine(what: str, item: str, hours: float, spot_share: float) -> list[Use]:
    parts = [Use(f"{what}, Spot", f"{item} spot", hours * spot_share), Use(what, item, hours * (1 - spot_share))]
    return [use for use in parts if use.quantity > 0]


def _kept(stored: Mapping[str, float], days: Mapping[str, float]) -> list[Use]:
    """An hour's objects by folder for as long as they are kept; then forecasts go to the archive for ever."""
    return [
        Use(f"{folder}/ {size / 1e9:.3g} GB for {days[folder]:g} days", "s3 standard",
            size / 1e9 * days[folder] / DAYS_A_MONTH)
        for folder, size in stored.items()
    ]  # fmt: skip


def _network() -> list[Use]:
    return [Use("gateway", "nat gateway", 1), Use("endpoints", "interface endpoint", ENDPOINTS * ZONES)]


def calls(hour: Hour | None) -> float:
    """Calls of functions in an hour: by its state machine and schedules, and for the files that arrive if it is one."""
    arrivals = (hour.sources * hour.steps + hour.members * hour.member_steps) / 6 if hour else 0.0
    return arrivals + CALLS_A_STAGE * len(STAGES) + OTHER_CALLS


def transitions() -> int:
    """States that an undisturbed hour enters."""
    return TRANSITIONS_A_STAGE * len(STAGES) + WAVES + OTHER_TRANSITIONS


def _serverless(count: float) -> list[Use]:
    return [
        Use(f"functions: {count:.0f} calls", "lambda call", count / 1000),
        Use("functions: time", "lambda time", count * LAMBDA_GB_SECONDS),
        Use("state machine", "state transition", transitions() / 1000),
    ]


def graviton_pays_below(prices: Mapping[str, Price]) -> float:
    """Times as many core seconds as here that an hour may take on Graviton before it costs as much."""
    return prices[CPU].dollars / prices[GRAVITON].dollars


def archive_dollars(forecast_bytes: float, prices: Mapping[str, Price]) -> float:
    """What a month of such forecasts adds to the bill of every later month, once they are in the archive."""
    return forecast_bytes / 1e9 * HOURS_A_MONTH * prices["s3 archive"].dollars
