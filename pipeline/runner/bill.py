"""The bill of an hour that was made: what its journal says that it has used, at the table's prices, in the cloud."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import cost, journal, paths
from pipeline.cost import Charge, Use
from pipeline.cycle import Cycle
from pipeline.steps import Deployment
from pipeline.store import Store
from pipeline.store.traffic import Traffic

SPOT_SHARE = 0.8
"""Of machines, where nothing else is said: on demand are those that wait for no Spot."""
WRITTEN_AFTER = ("publish", "verify")
"""Stages at whose end it is written: the first time with what publication took, then with all."""


@dataclass(frozen=True)
class Bill:
    """Charges of an hour in a region, what is behind them, and the bytes of its forecast."""

    region: str
    charges: tuple[Charge, ...]
    seconds: Mapping[str, float]
    traffic: Traffic
    stored: Mapping[str, float]
    gpu_busy: float | None
    """Part of the ensemble's time in which its device computed; None if none was made on one."""
    repeated: int
    """Shards that were finished by a later attempt than their first."""

    @property
    def dollars(self) -> float:
        """Of the hour."""
        return sum(charge.dollars for charge in self.charges)

    @property
    def kilowatt_hours(self) -> float:
        """Of the hour."""
        return cost.kilowatt_hours([charge.use for charge in self.charges], cost.read_energy())


def of(
    deployment: Deployment, hour: Cycle, *, spot_share: float, region: str | None = None, table: Path | None = None
) -> Bill:
    """The bill of an hour at the prices of a region, the machine's if None; ValueError if nothing of it is finished."""
    seconds: dict[str, float] = defaultdict(float)
    traffic = Traffic()
    entries = journal.entries(deployment.store, hour)
    for entry in entries:
        seconds[entry.stage] += entry.seconds
        traffic += Traffic(entry.reads, entry.writes, entry.bytes_read, entry.bytes_written)
    if not seconds:
        raise ValueError(f"no shard of {hour} is finished in {deployment.store.url}; `hourcast status` shows which are")
    stored = _stored(deployment.store, hour)
    uses = cost.measured(seconds, stored, traffic, _days_kept(deployment), spot_share)
    region = region or _region()
    charges = tuple(cost.charges(uses, cost.read_prices(region, table)))
    repeated = sum(entry.attempt > 1 for entry in entries)
    return Bill(region, charges, seconds, traffic, stored, _gpu_busy(deployment.store, hour), repeated)


def write(deployment: Deployment, hour: Cycle) -> None:
    """Put the bill beside the hour's journal, where its manifest says that it is."""
    bill = of(deployment, hour, spot_share=SPOT_SHARE)
    deployment.store.write(paths.bill(hour), json.dumps(document(bill), indent=1, allow_nan=False).encode())


def read(store: Store, hour: Cycle) -> dict[str, Any] | None:
    """The bill as it was written; None if it was not."""
    try:
        found: dict[str, Any] = json.loads(store.read(paths.bill(hour)))
    except FileNotFoundError:
        return None
    return found


def document(bill: Bill) -> dict[str, Any]:
    """The bill as JSON: sums, then what they are of."""
    grams = cost.read_energy().get(bill.region, 0.0) * bill.kilowatt_hours
    return {
        "region": bill.region,
        "dollars": bill.dollars,
        "kilowatt_hours": bill.kilowatt_hours,
        "co2e_grams": grams,
        "stage_seconds": dict(bill.seconds),
        "gpu_busy": bill.gpu_busy,
        "repeated_shards": bill.repeated,
        "requests": {"read": bill.traffic.reads, "write": bill.traffic.writes},
        "bytes": {"read": bill.traffic.bytes_read, "written": bill.traffic.bytes_written},
        "stored_bytes": dict(bill.stored),
        "charges": [_charge(charge) for charge in bill.charges],
    }


def _charge(charge: Charge) -> dict[str, Any]:
    use: Use = charge.use
    return {
        "what": use.what, "item": use.item, "quantity": use.quantity, "unit": charge.price.unit,
        "price": charge.price.dollars, "price_is_assumed": charge.price.assumed, "dollars": charge.dollars,
    }  # fmt: skip


def _stored(store: Store, hour: Cycle) -> dict[str, float]:
    """Bytes that the hour has left, by folder."""
    folders = {"forecast": paths.forecast(hour), "work": paths.work(hour, ""), "skill": f"skill/{hour}"}
    return {name: float(sum(info.size for info in store.list(folder))) for name, folder in folders.items()}


def _gpu_busy(store: Store, hour: Cycle) -> float | None:
    jobs = [job for job in journal.jobs(store, hour) if job.device != "cpu"]
    return sum(job.busy for job in jobs) / sum(job.seconds for job in jobs) if jobs else None


def _days_kept(deployment: Deployment) -> Mapping[str, float]:
    retention = deployment.config.retention
    kept = {"work": retention.work_days, "skill": retention.input_days}
    return cost.KEPT_DAYS | {folder: days for folder, days in kept.items() if days is not None}


def _region() -> str:
    """Where this runs, if the table has prices of it."""
    here = os.environ.get("AWS_REGION", cost.REGION)
    return here if here in cost.regions() else cost.REGION
