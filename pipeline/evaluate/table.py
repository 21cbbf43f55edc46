"""Reads and checks a long table of forecasts and observations, and lays it out by hour, source and station."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.parameters import parameter
from pipeline.science.learn import Places
from pipeline.science.pools import single

COLUMNS = (
    "source", "parameter", "init_time", "lead_time_hours", "station", "latitude", "longitude", "elevation",
    "forecast", "observation",
)  # fmt: skip
KEY = ["source", "parameter", "init_time", "lead_time_hours", "station"]
NUMBERS = ["lead_time_hours", "latitude", "longitude", "elevation", "forecast", "observation"]
LEAD_BINS = (3, 6, 12, 18, 24, 36, 48, 60, 72, 96, 120, 144, 168, 192, 216, 240, 288, 336, 384)
"""Hours; a lead is learnt and scored with the nearest of these, unless the table has few distinct leads."""


class TableError(ValueError):
    """The table cannot be used; the message is one line for a human."""


@dataclass(frozen=True)
class Case:
    """What all sources said at one hour for one valid time, and what came: (source, station) and (station,)."""

    hour: int
    lead: float
    lead_bin: int
    valid_time: np.datetime64
    forecasts: NDArray[np.float32]
    observed: NDArray[np.float32]


@dataclass(frozen=True)
class Series:
    """One parameter of the table in time order; `common` (lead_bin, source) marks sources present in most pairs."""

    parameter: str
    sources: tuple[str, ...]
    lead_bins: tuple[float, ...]
    hours: NDArray[np.datetime64]
    places: Places
    cases: list[Case]
    common: NDArray[np.bool_]


def read_table(path: Path) -> pd.DataFrame:
    """The table as a frame with checked columns, units and keys; TableError says what was expected and found."""
    frame = _load(path)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise TableError(f"{path}: expected the columns {', '.join(COLUMNS)}; missing {', '.join(missing)}")
    if frame.empty:
        raise TableError(f"{path}: expected at least one row; found none")
    frame = frame.loc[:, list(COLUMNS)].copy()
    for name in NUMBERS:
        frame[name] = _numbers(path, frame[name], name)
    try:
        times = pd.to_datetime(frame["init_time"], utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise TableError(f"{path}: init_time must be ISO 8601 such as 2026-01-31T00:00; {reason}") from None
    frame["init_time"] = times.dt.tz_localize(None)
    empty = frame[["source", "parameter", "station", "init_time", "lead_time_hours"]].isna().any(axis=1)
    if empty.any():
        raise TableError(
            f"{path}: row {int(empty.idxmax()) + 2} has an empty key column; every row needs {', '.join(KEY)}"
        )
    for name in ("source", "parameter", "station"):
        frame[name] = frame[name].astype(str)
    _check_rows(path, frame)
    for name in frame["parameter"].unique():
        _check_units(path, frame, str(name))
    return frame


def _load(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={"station": str, "source": str, "parameter": str})
    except FileNotFoundError:
        raise TableError(f"{path}: no such file; expected a CSV or Parquet table") from None
    except Exception as error:  # the readers raise many kinds for a file that is no table
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TableError(f"{path}: expected a CSV or Parquet table; cannot read it ({reason})") from None


def _numbers(path: Path, column: pd.Series, name: str) -> pd.Series:
    values = pd.to_numeric(column, errors="coerce")
    bad = (values.isna() & column.notna()) | np.isinf(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise TableError(f"{path}: {name} must be a finite number; found {column.iloc[row]!r} in row {row + 2}")
    return values.astype(np.float64)


def _check_rows(path: Path, frame: pd.DataFrame) -> None:
    duplicate = frame.duplicated(KEY)
    if duplicate.any():
        row = frame[duplicate].iloc[0]
        which = ", ".join(f"{key} {row[key]}" for key in KEY)
        raise TableError(f"{path}: duplicate row for {which}; give one row a source, start, lead and station")
    outside = ~frame["latitude"].between(-90, 90) | ~frame["longitude"].between(-180, 360)
    if outside.any():
        row = frame[outside].iloc[0]
        where = f"station {row['station']} lies at {row['latitude']}, {row['longitude']}"
        raise TableError(f"{path}: {where}; expected degrees north and east")
    if (frame["lead_time_hours"] < 0).any():
        raise TableError(f"{path}: lead_time_hours must not be negative; found {frame['lead_time_hours'].min():g}")


def _check_units(path: Path, frame: pd.DataFrame, name: str) -> None:
    """Most values must lie within the catalogue's bounds, or the units are others; the few that do not are dropped."""
    try:
        row = parameter(name)
    except KeyError as error:
        raise TableError(f"{path}: {error.args[0]}") from None
    chosen = frame["parameter"] == name
    for column in ("forecast", "observation"):
        values = frame.loc[chosen, column]
        outside = values.notna() & ~values.between(row.minimum, row.maximum)
        if outside.mean() > 0.2:
            raise TableError(
                f"{path}: {name} must be in {row.units} ({row.minimum:g} to {row.maximum:g}); {outside.mean():.0%} of "
                f"column {column} lie outside, such as {values[outside].iloc[0]:g}; convert the column"
            )
        frame.loc[values.index[outside], column] = np.nan


def series(frame: pd.DataFrame, name: str) -> Series:
    """Lay one parameter out by hour: each source gives its newest start not after the hour, matched by valid time."""
    rows = frame[frame["parameter"] == name].copy()
    rows["valid_time"] = rows["init_time"] + pd.to_timedelta(rows["lead_time_hours"], unit="h")
    stations = rows.groupby("station", sort=True)[["latitude", "longitude", "elevation"]].first()
    sources = tuple(sorted(rows["source"].unique()))
    rows["place"] = stations.index.get_indexer(rows["station"])
    rows["row"] = pd.Index(sources).get_indexer(rows["source"])
    observed = (
        rows.dropna(subset=["observation"]).groupby(["valid_time", "place"])["observation"].agg(["min", "max", "first"])
    )
    unequal = observed["max"] - observed["min"] > 1e-6 * (1 + observed["max"].abs())
    if unequal.any():
        time, place = unequal.idxmax()
        raise TableError(f"{name}: station {stations.index[place]} has different observations for {time}; expected one")
    hours = np.sort(rows["init_time"].unique()).astype("datetime64[ns]")
    leads = _contributed_leads(rows, hours)
    bins = tuple(float(lead) for lead in leads) if len(leads) <= 12 else tuple(float(lead) for lead in LEAD_BINS)
    cases = _cases(rows, hours, sources, len(stations), observed["first"], bins)
    return Series(name, sources, bins, hours, _places(stations), cases, _common(cases, len(bins), len(sources)))


def _contributed_leads(rows: pd.DataFrame, hours: NDArray[np.datetime64]) -> NDArray[np.float64]:
    leads: set[float] = set()
    for _, contribution in _contributions(rows, hours):
        leads.update(contribution["lead"].unique())
    return np.array(sorted(leads))


def _contributions(rows: pd.DataFrame, hours: NDArray[np.datetime64]) -> list[tuple[int, pd.DataFrame]]:
    """Per hour the rows of each source's newest start, with `lead` counted from the hour."""
    starts = {
        source: np.sort(group["init_time"].unique()).astype("datetime64[ns]") for source, group in rows.groupby("row")
    }
    groups = dict(iter(rows.groupby(["row", "init_time"])))
    result = []
    for index, hour in enumerate(hours):
        chosen = []
        for source, times in starts.items():
            newest = np.searchsorted(times, hour, side="right") - 1
            if newest >= 0:
                chosen.append(groups[source, pd.Timestamp(times[newest])])
        contribution = pd.concat(chosen)
        lead = (contribution["valid_time"] - pd.Timestamp(hour)) / pd.Timedelta(hours=1)
        contribution = contribution.assign(lead=lead.astype(np.float64))
        result.append((index, contribution[contribution["lead"] >= 0]))
    return result


def _cases(
    rows: pd.DataFrame, hours: NDArray[np.datetime64], sources: tuple[str, ...], places: int,
    observed: pd.Series, bins: tuple[float, ...],
) -> list[Case]:  # fmt: skip
    truths: dict[pd.Timestamp, NDArray[np.float32]] = {}
    for valid_time, group in observed.groupby(level=0):
        truth = np.full(places, np.nan, np.float32)
        truth[group.index.get_level_values(1)] = group.to_numpy()
        truths[valid_time] = truth
    cases = []
    centres = np.asarray(bins)
    for index, contribution in _contributions(rows, hours):
        for valid_time, group in contribution.groupby("valid_time"):
            forecasts = np.full((len(sources), places), np.nan, np.float32)
            forecasts[group["row"], group["place"]] = group["forecast"]
            lead = float(group["lead"].iloc[0])
            truth = truths.get(valid_time, np.full(places, np.nan, np.float32))
            bin_index = int(np.abs(centres - lead).argmin())
            cases.append(Case(index, lead, bin_index, np.datetime64(valid_time, "ns"), forecasts, truth))
    return cases


def _common(cases: list[Case], bins: int, sources: int) -> NDArray[np.bool_]:
    """Sources with at least half as many pairs as the fullest: the others would shrink the identical pairs to few."""
    present = np.zeros((bins, sources))
    for case in cases:
        seen = np.isfinite(case.observed)
        present[case.lead_bin] += np.isfinite(case.forecasts[:, seen]).sum(axis=1)
    return (present > 0) & (present >= 0.5 * present.max(axis=1, keepdims=True))


def _places(stations: pd.DataFrame) -> Places:
    """Station positions; an unknown elevation (empty or a sentinel below -500 m) counts as the median."""
    elevation = stations["elevation"].where(stations["elevation"] > -500)
    median = elevation.median()
    filled = elevation.fillna(0.0 if np.isnan(median) else median).to_numpy(np.float64)
    return Places(
        stations["latitude"].to_numpy(np.float64), stations["longitude"].to_numpy(np.float64), filled,
        np.ones(len(stations)), single(len(stations)),
    )  # fmt: skip
