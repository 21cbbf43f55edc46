"""`python -m bench.skill_references [SET...]`: hourcast evaluate beside the literature's post-processing, on real sets.

The references are not part of the product: EMOS (Gneiting et al. 2005, by minimum CRPS) for temperature and censored
logistic regression (Messner et al. 2014, by maximum likelihood) for precipitation, both refitted every hour to the
newest `WINDOW` days whose observations were known then. All systems are scored on the same pairs. Sets that are not
under `HOURCAST_REALDATA` or ../shared/realdata are left out.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize
from scipy.special import log_expit

from pipeline.evaluate import evaluate
from pipeline.evaluate.table import Series, read_table, series
from pipeline.science.censored_logistic import Distribution, Family, crps, mean
from pipeline.science.scores import gaussian_crps

Float = NDArray[np.float64]

WINDOW = 40
"""Days with observations that a reference is fitted to, the upper end of what Gneiting et al. (2005) find best."""
FOLDER = Path("forecast_obs/csv_from_rda")
AMOUNT = Family(0.5, 0.0, float(np.inf))


@dataclass(frozen=True)
class RealSet:
    """A published table: columns that start with one of `models` are forecasts; `skip` first hours are not scored."""

    name: str
    file: str
    models: tuple[str, ...]
    observation: str
    date: tuple[str, str]
    lead: int
    parameter: str
    scale: float
    offset: float
    skip: int


MULTIMODEL = ("CMCG", "ETA", "GASP", "GFS", "JMA", "NGPS", "TCWB", "UKMO")
SETS = (
    RealSet(
        "srft", "ensembleBMA_srft", MULTIMODEL, "observation", ("date", "%Y%m%d%H"), 48, "temperature_2m", 1, 0, 10,
    ),
    RealSet(
        "prcpDJ", "ensembleBMA_prcpDJdata", ("avn", "cent", "cmcg", "eta", "gasp", "jma", "ngps", "tcwb", "ukmo"),
        "observations", ("dates", "%Y%m%d"), 48, "precipitation", 0.254, 0, 15,
    ),
    RealSet(
        "temp", "ensemblepp_temp", ("tempfc",), "temp", ("rownames", "ISO8601"), 24, "temperature_2m", 1, 273.15, 100,
    ),
    RealSet("rain", "ensemblepp_rain", ("rainfc",), "rain", ("rownames", "ISO8601"), 24, "precipitation", 1, 0, 100),
    RealSet("RainIbk", "crch_RainIbk", ("rainfc",), "rain", ("rownames", "ISO8601"), 192, "precipitation", 1, 0, 100),
)  # fmt: skip


def long_table(wide: pd.DataFrame, real: RealSet) -> pd.DataFrame:
    """The table of `real` in the form that `hourcast evaluate` reads; without positions it is of Innsbruck."""
    models = [name for name in wide.columns if name.startswith(real.models)]
    valid = pd.to_datetime(wide[real.date[0]].astype(str), format=real.date[1])
    rows = wide[models] * real.scale + real.offset
    rows = rows.assign(
        parameter=real.parameter, lead_time_hours=real.lead, init_time=valid - pd.Timedelta(hours=real.lead),
        observation=wide[real.observation] * real.scale + real.offset,
        latitude=wide.get("latitude", 47.26), longitude=wide.get("longitude", 11.39),
        elevation=wide.get("elevation", np.nan), station=wide.get("station", wide.get("latitude", "Innsbruck")),
    )  # fmt: skip
    keys = [name for name in rows.columns if name not in models]
    long = rows.melt(id_vars=keys, value_vars=models, var_name="source", value_name="forecast")
    return long.drop_duplicates(["source", "init_time", "station"])


def pairs_of(data: Series) -> list[tuple[np.datetime64, np.datetime64, Float, Float]]:
    """(hour, valid time, forecasts (source, pair), observed (pair,)) of every case, where all sources are present."""
    found = []
    for case in data.cases:
        good = np.isfinite(case.observed) & np.isfinite(case.forecasts).all(axis=0)
        forecasts, observed = case.forecasts[:, good].astype(np.float64), case.observed[good].astype(np.float64)
        found.append((data.hours[case.hour], case.valid_time, forecasts, observed))
    return sorted(found, key=lambda pair: (pair[0], pair[1]))


def reference(data: Series, start: np.datetime64) -> tuple[int, float, float]:
    """Number of pairs, RMSE of the predictive mean and CRPS of the reference, from hour `start` on."""
    fit, predict = (fit_logistic, predict_logistic) if data.parameter == "precipitation" else (fit_emos, predict_emos)
    pairs, coefficients = pairs_of(data), None
    errors, scores = [], []
    for hour, _, forecasts, observed in (pair for pair in pairs if pair[0] >= start):
        known = [pair for pair in pairs if pair[1] < hour][-WINDOW:]
        x, y = (np.concatenate([pair[part] for pair in known], axis=-1) for part in (2, 3))
        coefficients = fit(x, y, coefficients)
        centre, score = predict(coefficients, forecasts, observed)
        errors.append(centre - observed)
        scores.append(score)
    error = np.concatenate(errors)
    return len(error), float(np.sqrt((error**2).mean())), float(np.concatenate(scores).mean())


def _exchangeable(x: Float, groups: int = 9) -> Float:
    """Members that are no models of their own count as their mean."""
    return x if len(x) <= groups else x.mean(axis=0, keepdims=True)


def fit_emos(x: Float, y: Float, start: Float | None) -> Float:
    """Coefficients of N(a + sum b_k^2 x_k, c^2 + d^2 s^2) of least mean CRPS; anomalies from the observed mean."""
    models, spread, middle = _exchangeable(x), x.var(axis=0), y.mean()
    equal = np.concatenate([[0.0], np.full(len(models), len(models) ** -0.5), [1.0, 1.0]])

    def loss(c: Float) -> float:
        error = c[0] + c[1:-2] ** 2 @ (models - middle) - (y - middle)
        return float(gaussian_crps(error, np.sqrt(c[-2] ** 2 + c[-1] ** 2 * spread + 1e-6)).mean())

    found = minimize(loss, equal if start is None else start[:-1], method="BFGS", options={"maxiter": 60}).x
    return np.concatenate([found, [middle]])


def predict_emos(c: Float, x: Float, y: Float) -> tuple[Float, Float]:
    """Predictive mean and CRPS of the pairs."""
    centre = c[-1] + c[0] + c[1:-3] ** 2 @ (_exchangeable(x) - c[-1])
    return centre, gaussian_crps(centre - y, np.sqrt(c[-3] ** 2 + c[-2] ** 2 * x.var(axis=0) + 1e-6))


def _logistic(c: Float, x: Float) -> tuple[Float, Float]:
    root = np.sqrt(x)
    return c[0] + c[1] * root.mean(axis=0), np.exp(np.clip(c[2] + c[3] * root.std(axis=0), -5, 5))


def fit_logistic(x: Float, y: Float, start: Float | None) -> Float:
    """Coefficients of a censored logistic distribution of the root of the amount, of greatest likelihood."""
    root = np.sqrt(y)

    def loss(c: Float) -> float:
        location, scale = _logistic(c, x)
        u = (root - location) / scale
        wet = -log_expit(u) - log_expit(-u) + np.log(scale)
        return float(np.where(y > 0, wet, -log_expit(u)).mean())

    initial = np.array([0.0, 1.0, 0.0, 0.0]) if start is None else start
    return np.asarray(minimize(loss, initial, method="BFGS", options={"maxiter": 60}).x)


def predict_logistic(c: Float, x: Float, y: Float) -> tuple[Float, Float]:
    """Predictive mean and CRPS of the pairs."""
    ours = Distribution(AMOUNT, *_logistic(c, x))
    return mean(ours), crps(ours, np.sqrt(y))


def compare(path: Path, real: RealSet) -> list[tuple[str, int, float, float]]:
    """(system, pairs, RMSE, CRPS) of hourcast, its rivals and the reference."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        long_table(pd.read_csv(path), real).to_csv(table, index=False)
        data = series(read_table(table), real.parameter)
        start = data.hours[real.skip]
        records = evaluate(table, None, pd.Timestamp(start).to_pydatetime())
    chosen = [record for record in records if record["system"] in ("equal_weights", "best_source", "hourcast")]
    rows = [(record["system"], record["n"], record["rmse"], record["crps"]) for record in chosen]
    name = "censored logistic" if real.parameter == "precipitation" else "EMOS"
    return [*rows, (name, *reference(data, start))]


def main(names: Sequence[str], write: Callable[[Table], None]) -> int:
    """Compare the named sets, or all; 2 where none of them is there."""
    base = Path(os.environ.get("HOURCAST_REALDATA", Path(__file__).parents[2] / "shared" / "realdata"))
    table = Table(
        title=f"References fitted to the newest {WINDOW} days; equal weights have the raw ensemble's fair CRPS"
    )
    for head in ("set", "system", "pairs", "RMSE", "CRPS"):
        table.add_column(head, justify="left" if head in ("set", "system") else "right")
    found = 0
    for real in SETS:
        path = base / FOLDER / f"{real.file}.csv.gz"
        if (names and real.name not in names) or not path.exists():
            continue
        found += 1
        for system, count, rmse, score in compare(path, real):
            table.add_row(real.name, system, str(count), f"{rmse:.3f}", f"{score:.4f}")
    if not found:
        print(f"expected sets out of {', '.join(real.name for real in SETS)} under {base}; found none", file=sys.stderr)
        return 2
    write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Console(width=100).print))
