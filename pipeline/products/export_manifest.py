"""The manifest of a customer's files of an hour: what there is, what it means, whose data it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from pipeline.cycle import Cycle
from pipeline.parameters import parameter
from pipeline.parameters.grib2 import encoding
from pipeline.subscriptions import Subscription


@dataclass(frozen=True)
class File:
    """One file: its `path` below the customer's folder of the hour, which names its leads."""

    path: str
    format: str
    bytes: int
    sha256: str


def listed(path: str, kind: str, data: bytes) -> File:
    """The entry of a file of these bytes."""
    return File(path, kind, len(data), sha256(data).hexdigest())


def manifest(
    customer: str,
    hour: Cycle,
    order: Subscription,
    held: Sequence[str],
    files: Sequence[Mapping[str, Any]],
    forecast: Mapping[str, Any],
) -> dict[str, Any]:
    """The document, from the order, the parameters that the hour holds, the files and the forecast's own manifest."""
    used = {name: source for name, source in forecast["sources"].items() if source["cycle"]}
    return {
        "customer": customer,
        "title": forecast["title"],
        "synthetic": forecast["synthetic"],
        "init_time": f"{hour.init_time:%Y-%m-%dT%H:%M:%SZ}",
        "lead_hours": order.leads.hours(forecast["lead_hours"][-1]),
        "region": order.region.model_dump(),
        "parameters": {name: _meaning(name) for name in order.names if name in held},
        "missing": [name for name in order.names if name not in held],
        "sources": {name: {key: source[key] for key in ("licence", "attribution")} for name, source in used.items()},
        "files": list(files),
    }


def _meaning(name: str) -> dict[str, Any]:
    row, how = parameter(name), encoding(name)
    return {
        "long_name": row.long_name, "units": row.units, "precision": row.precision,
        "grib2": {"code": ".".join(map(str, how.code)), "factor": how.factor, **_interval(asdict(how))},
    }  # fmt: skip


def _interval(how: Mapping[str, Any]) -> dict[str, Any]:
    return {"statistic": how["statistic"], "hours": how["hours"]} if how["statistic"] else {}
