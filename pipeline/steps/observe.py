"""Observe: the networks' reports of the hour become one table.

A network that is silent does not stop the hour: what was missing or unreadable stands in the record beside the table.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline import observations, paths
from pipeline.cycle import Cycle
from pipeline.observations.report import Problem
from pipeline.steps import Deployment
from pipeline.store import Store, StoreError

BUCKET = "observations"
_EXAMPLES = 3


def shards(deployment: Deployment, hour: Cycle) -> list[str]:
    """The whole hour at once."""
    return ["all"]


def run(deployment: Deployment, hour: Cycle, shard: str) -> None:
    """Write the table (Parquet) and then the record (JSON) of the observations of the hour."""
    endpoint = deployment.config.observations.endpoint
    folder = _Mirror(Store.open(f"s3://{BUCKET}", endpoint=endpoint)) if endpoint else _PublicServers()
    networks = deployment.config.observations.networks
    table, problems = observations.read(folder, hour, networks)
    key = paths.observations(hour)
    deployment.store.write(key, to_parquet(table))
    deployment.store.write(record_key(hour), json.dumps(_record(table, problems, networks), indent=1).encode())


def record_key(hour: Cycle) -> str:
    """Where the counts of observations and of problems of an hour stand."""
    return paths.observations(hour).removesuffix(".parquet") + ".json"


def to_parquet(table: pd.DataFrame) -> bytes:
    """The same table gives the same bytes."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    return buffer.getvalue()


def read_parquet(store: Store, key: str) -> pd.DataFrame:
    """A table as `run` wrote it; FileNotFoundError without one."""
    return pd.read_parquet(io.BytesIO(store.read(key)), engine="pyarrow")


def _record(table: pd.DataFrame, problems: list[Problem], networks: Sequence[str]) -> dict[str, object]:
    record: dict[str, object] = {}
    for name in networks:
        own = table[table["network"] == name]
        reasons = Counter(problem.reason for problem in problems if problem.network == name)
        examples: dict[str, list[str]] = {reason: [] for reason in reasons}
        for problem in problems:
            if problem.network == name and len(examples[problem.reason]) < _EXAMPLES:
                examples[problem.reason].append(problem.text)
        record[name] = {
            "status": "complete" if len(own) else "missing",
            "stations": int(own["station"].nunique()),
            "observations": len(own),
            "problems": [
                {"reason": reason, "count": count, "examples": examples[reason]}
                for reason, count in sorted(reasons.items())
            ],
        }
    return record


@dataclass(frozen=True)
class _Mirror:
    """A folder with one folder a network; what cannot be read is as good as absent."""

    store: Store

    def read(self, key: str) -> bytes:
        try:
            return self.store.read(key)
        except StoreError as error:
            raise FileNotFoundError(str(error)) from None


class _PublicServers:
    """The networks' own servers."""

    def read(self, key: str) -> bytes:
        address = observations.public_url(key)
        if address is None:
            raise FileNotFoundError(f"{key} has no public server; configure observations.endpoint")
        folder, _, name = address.rpartition("/")
        return _Mirror(Store.open(folder)).read(name)
