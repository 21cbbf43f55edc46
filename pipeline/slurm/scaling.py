"""How a model's speed grows with its nodes, and how many are worth their price: from a table of measurements.

One simulated hour takes the wall time s + w/n + m/n² + c log2(n) on n nodes: what is serial (Amdahl 1967,
https://doi.org/10.1145/1465482.1465560), the work shared out, what work costs beyond that while a node's share does
not fit its caches (which makes scaling better than linear), and collective communication, a tree of n leaves.
All four are at least 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

COLUMNS = (
    "case", "unit", "instance", "nodes", "speed", "relative_uncertainty", "price_per_hour", "date", "source",
)  # fmt: skip
SIMULATED = "simulated_hours_per_hour"
SAMPLES = 400
LOW, HIGH = 5.0, 95.0
"""Per cent: the ends of an interval told to people."""
_SEED = 20240501


@dataclass(frozen=True)
class Scaling:
    """A fitted case: `time` (sample, 4) of the reference instance, `faster` (sample,) each instance's speed against it.

    Sample 0 is the best fit; the others are fits of the measurements as they may as well have come out.
    `unit` is `simulated_hours_per_hour`, or `relative` where only ratios were published.
    """

    case: str
    unit: str
    reference: str
    time: NDArray[np.float64]
    faster: dict[str, NDArray[np.float64]]
    price_per_hour: dict[str, float]
    nodes: tuple[int, int]

    def speed(self, instance: str, nodes: Sequence[int]) -> NDArray[np.float64]:
        """(sample, nodes) speeds in `unit`; KeyError for an instance that was not measured."""
        return self.faster[instance][:, None] / (self.time @ _terms(np.asarray(nodes, np.float64)).T)


@dataclass(frozen=True)
class Choice:
    """A number of nodes: speed, wall hours and price of the run, each as (best, low, high)."""

    instance: str
    nodes: int
    speed: tuple[float, float, float]
    hours: tuple[float, float, float]
    price: tuple[float, float, float]
    in_time: bool
    recommended: bool


def read_measurements(path: Path | None = None) -> pd.DataFrame:
    """The published measurements, or those of a file with the same columns; ValueError says what is wrong with it."""
    text = (
        resources.files(__package__).joinpath("scaling.csv").read_text(encoding="utf-8")
        if path is None
        else path.read_text(encoding="utf-8")
    )
    table = pd.read_csv(StringIO(text))
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ValueError(f"{path}: expected the columns {', '.join(COLUMNS)}; missing {', '.join(missing)}")
    numbers = table[["nodes", "speed", "relative_uncertainty", "price_per_hour"]]
    if len(table) == 0 or not bool(np.isfinite(numbers.to_numpy(np.float64)).all() and (numbers > 0).all(axis=None)):
        raise ValueError(f"{path}: expected rows of positive numbers in {', '.join(numbers.columns)}")
    return table


def fit(measurements: pd.DataFrame, case: str) -> Scaling:
    """The scaling of one case; every instance shares the shape of the one that was measured at most node counts.

    ValueError for a case that the table lacks, or in two units.
    """
    rows = measurements[measurements["case"] == case]
    if rows.empty or rows["unit"].nunique() != 1:
        known = ", ".join(sorted(measurements["case"].unique()))
        raise ValueError(f"expected a case in one unit of the table, one of {known}; found {case!r}")
    reference = str(rows.groupby("instance")["nodes"].nunique().idxmax())
    uncertainty = rows["relative_uncertainty"].to_numpy(np.float64)
    noise = np.random.default_rng(_SEED).normal(size=(SAMPLES, len(rows)))
    noise[0] = 0
    speeds = rows["speed"].to_numpy(np.float64) * np.exp(noise * uncertainty)
    own = (rows["instance"] == reference).to_numpy()
    terms = _terms(rows["nodes"].to_numpy(np.float64))
    time = np.array([_shape(terms[own], sample[own], uncertainty[own]) for sample in speeds])
    ratio = np.log(speeds * (time @ terms.T))
    faster = {}
    for instance in rows["instance"].unique():
        chosen = (rows["instance"] == instance).to_numpy()
        mean = np.average(ratio[:, chosen], axis=1, weights=uncertainty[chosen] ** -2)
        faster[str(instance)] = np.ones(SAMPLES) if instance == reference else np.exp(mean)
    return Scaling(
        case,
        str(rows["unit"].iloc[0]),
        reference,
        time,
        faster,
        {str(name): float(price) for name, price in rows.groupby("instance")["price_per_hour"].last().items()},
        (int(rows["nodes"].min()), int(rows["nodes"].max())),
    )


def _terms(nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(nodes, 4): what the wall time of a simulated hour is made of."""
    return np.stack([np.ones_like(nodes), 1 / nodes, nodes**-2, np.log2(nodes)], axis=1)


def _shape(
    terms: NDArray[np.float64], speed: NDArray[np.float64], uncertainty: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Non-negative least squares of relative errors; columns are scaled, because m/n² is far smaller than s."""
    weighted = terms * (speed / uncertainty)[:, None]
    scale = np.maximum(np.linalg.norm(weighted, axis=0), np.finfo(float).tiny)
    return nnls(weighted / scale, 1 / uncertainty)[0] / scale


def choices(
    scaling: Scaling, forecast_hours: float, deadline_hours: float | None, nodes: Sequence[int] = ()
) -> list[Choice]:
    """Every instance at every number of nodes, with the recommended one marked, if any meets the deadline.

    nodes: which to look at; powers of two in the range measured if empty. A choice is in time if its slow estimate
    is. Recommended is the cheapest in time or, of those not dearer beyond doubt, the one with the fewest nodes.
    ValueError for a case of relative speeds, which know no hours, together with a deadline.
    """
    if deadline_hours is not None and scaling.unit != SIMULATED:
        raise ValueError(f"{scaling.case} knows speeds only as ratios; a deadline needs {SIMULATED}")
    counts = list(nodes) or _powers_of_two(*scaling.nodes)
    pairs = [(instance, count) for instance in scaling.faster for count in counts]
    speed = np.concatenate([scaling.speed(instance, counts).T for instance in scaling.faster])
    hours = forecast_hours / speed
    rate = np.array([count * scaling.price_per_hour[instance] for instance, count in pairs])
    price = hours * rate[:, None]
    in_time = np.ones(len(pairs), bool)
    if deadline_hours is not None:
        in_time = np.percentile(hours, HIGH, axis=1) <= deadline_hours
    best = _recommended(price, np.array([count for _, count in pairs]), in_time)
    return [
        Choice(*pair, _interval(speed[i]), _interval(hours[i]), _interval(price[i]), bool(in_time[i]), i == best)
        for i, pair in enumerate(pairs)
    ]


def _powers_of_two(low: int, high: int) -> list[int]:
    return [1 << i for i in range(high.bit_length()) if low <= 1 << i <= high] or [low, high]


def _recommended(price: NDArray[np.float64], nodes: NDArray[np.int64], in_time: NDArray[np.bool_]) -> int | None:
    """The row of price (choice, sample) to take."""
    if not in_time.any():
        return None
    cheapest = int(np.flatnonzero(in_time)[np.argmin(price[in_time, 0])])
    as_cheap = in_time & (np.percentile(price - price[cheapest], LOW, axis=1) <= 0)
    return int(min(np.flatnonzero(as_cheap), key=lambda row: (nodes[row], price[row, 0])))


def _interval(samples: NDArray[np.float64]) -> tuple[float, float, float]:
    low, high = np.percentile(samples, (LOW, HIGH))
    return float(samples[0]), float(low), float(high)
