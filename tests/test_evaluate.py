"""The referee: strictly in time order, on identical pairs, and clear about bad tables."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluate import evaluate
from pipeline.evaluate.persistence import with_persistence
from pipeline.evaluate.table import TableError, read_table, series
from pipeline.operate import show_evaluation

MODELS = ["CMCG", "ETA", "GASP", "GFS", "JMA", "NGPS", "TCWB", "UKMO"]


def _table(days: int = 30, stations: int = 40, seed: int = 0) -> pd.DataFrame:
    """Synthetic: "good" starts at 00, "late" twelve hours before; biases by source and station, growing errors."""
    generator = np.random.default_rng(seed)
    truth = 280 + generator.normal(0, 4, (2 * days + 8, stations))
    station_bias = generator.normal(0, 1.5, stations)
    start = pd.Timestamp("2026-01-01")
    parts = []
    for source, age, bias, deviation in (("good", 0, 1.0, 1.0), ("late", 12, -2.0, 2.0)):
        for day in range(days):
            for lead in (24, 72):
                observed = truth[2 * day + lead // 12]
                noise = generator.normal(0, deviation * (1 + lead / 72), stations)
                parts.append(
                    pd.DataFrame(
                        {
                            "source": source, "parameter": "temperature_2m",
                            "init_time": start + pd.Timedelta(hours=24 * day - age), "lead_time_hours": lead + age,
                            "station": [f"S{k}" for k in range(stations)], "latitude": np.arange(stations) % 60,
                            "longitude": 3 * np.arange(stations), "elevation": 10.0,
                            "forecast": observed + bias + station_bias + noise, "observation": observed,
                        }
                    )
                )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _write(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False)
    return path


def _rmse(table: Path, out: Path | None = None, score_from: datetime | None = None) -> dict[tuple[float, str], float]:
    return {
        (record["lead_time_hours"], record["system"]): record["rmse"] for record in evaluate(table, out, score_from)
    }


def test_systems_are_scored_on_identical_pairs_and_saved(tmp_path: Path) -> None:
    table = _write(_table(days=20), tmp_path / "table.csv")
    records = evaluate(table, tmp_path / "out", datetime(2026, 1, 10))
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == records
    systems = {record["system"] for record in records if record["lead_time_hours"] == 24}
    assert systems == {"good", "late", "equal_weights", "best_source", "inverse_mse", "hourcast"}
    alone = {record["system"] for record in records if record["lead_time_hours"] == 36}
    assert "good" not in alone, "a source without any pair at a lead has no score there"
    for lead in {record["lead_time_hours"] for record in records}:
        assert len({record["n"] for record in records if record["lead_time_hours"] == lead}) == 1
    for record in records:
        assert record["rmse_low"] <= record["rmse"] <= record["rmse_high"]


def test_a_source_that_started_earlier_is_matched_by_valid_time(tmp_path: Path) -> None:
    found = series(read_table(_write(_table(days=8), tmp_path / "table.csv")), "temperature_2m")
    midnight = [case for case in found.cases if pd.Timestamp(found.hours[case.hour]).hour == 0]
    assert {case.lead for case in midnight} == {24, 72}, "its leads 36 and 84 count as 24 and 72 from midnight"
    assert all(np.isfinite(case.forecasts).all() for case in midnight[:10])


def test_nothing_is_learnt_from_the_present_or_the_future(tmp_path: Path) -> None:
    frame = _table(days=16)
    cut = pd.Timestamp("2026-01-14")
    valid = frame["init_time"] + pd.to_timedelta(frame["lead_time_hours"], unit="h")
    changed = frame.copy()
    changed.loc[valid >= cut, "observation"] += 7
    alike = [_forecasts(_write(data, tmp_path / "t.csv"), cut) for data in (frame, changed)]
    np.testing.assert_array_equal(alike[0], alike[1])


def _rain_table(days: int = 25, stations: int = 30, seed: int = 0) -> pd.DataFrame:
    """Three sources of daily amounts that rain too much, and too often lightly, in places of their own."""
    generator = np.random.default_rng(seed)
    start, parts = pd.Timestamp("2026-01-01"), []
    for day in range(days):
        signal = generator.logistic(-0.3, 1.2, stations)
        observed = np.maximum(signal + generator.logistic(0, 0.3, stations), 0) ** 2
        for source in ("a", "b", "c"):
            said = 1.6 * np.maximum(signal + 0.3 + generator.logistic(0, 0.4, stations), 0) ** 2
            parts.append(
                pd.DataFrame(
                    {
                        "source": source, "parameter": "precipitation", "init_time": start + pd.Timedelta(days=day),
                        "lead_time_hours": 24, "station": [f"S{k}" for k in range(stations)],
                        "latitude": 40 + 0.1 * np.arange(stations), "longitude": 10.0, "elevation": 10.0,
                        "forecast": said, "observation": observed,
                    }
                )
            )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_amounts_that_are_too_heavy_and_too_frequent_are_corrected(tmp_path: Path) -> None:
    table = _write(_rain_table(), tmp_path / "rain.csv")
    records = {record["system"]: record for record in evaluate(table, None, datetime(2026, 1, 10))}
    ours, equal = records["hourcast"], records["equal_weights"]
    assert ours["rmse"] < 0.9 * equal["rmse"]
    assert ours["rmse"] < records["inverse_mse"]["rmse"]
    assert abs(ours["bias"]) < 0.4 * abs(equal["bias"])
    assert ours["crps"] < 0.8 * equal["crps"]
    assert equal["crps"] < equal["mae"], "as a raw ensemble, fairly scored"


def test_no_amount_is_learnt_from_the_present_or_the_future(tmp_path: Path) -> None:
    frame = _rain_table(days=16)
    cut = pd.Timestamp("2026-01-12")
    changed = frame.copy()
    changed.loc[frame["init_time"] + pd.Timedelta(hours=24) >= cut, "observation"] *= 3
    alike = [_forecasts(_write(data, tmp_path / "t.csv"), cut, "precipitation") for data in (frame, changed)]
    np.testing.assert_allclose(alike[0], alike[1], atol=1e-4)


def _forecasts(table: Path, hour: pd.Timestamp, name: str = "temperature_2m") -> np.ndarray:
    """Our forecasts of one hour, from errors and observations."""
    from pipeline.evaluate import _walk

    data = series(read_table(table), name)
    index = int(np.flatnonzero(data.hours == np.datetime64(hour))[0])
    forecasts = []
    cases = iter([case for case in data.cases if case.hour == index])
    for outcome in _walk(data):
        if outcome.hour > index:
            break
        if outcome.hour == index:
            case = next(cases)
            seen = np.isfinite(case.observed)
            ours = outcome.errors[-1]
            if len(ours) == seen.sum():
                forecasts.append(ours + case.observed[seen])
    return np.round(np.concatenate(forecasts), 2)


def test_rows_in_any_order_give_the_same_scores(tmp_path: Path) -> None:
    frame = _table(days=8)
    first = _rmse(_write(frame, tmp_path / "a.csv"))
    second = _rmse(_write(frame.sample(frac=1, random_state=1), tmp_path / "b.csv"))
    assert first == pytest.approx(second)


def test_parquet_reads_as_csv_does(tmp_path: Path) -> None:
    frame = _table(days=5)
    frame.to_parquet(tmp_path / "table.parquet")
    assert _rmse(tmp_path / "table.parquet") == pytest.approx(_rmse(_write(frame, tmp_path / "table.csv")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="station"), "missing station"),
        (lambda frame: frame.iloc[:0], "at least one row"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "duplicate row"),
        (lambda frame: frame.assign(forecast=frame["forecast"] - 273.15), "must be in K"),
        (lambda frame: frame.assign(parameter="temperature_2n"), "did you mean temperature_2m"),
        (lambda frame: frame.assign(forecast="warm"), "finite number"),
        (lambda frame: frame.assign(latitude=99), "degrees north"),
        (lambda frame: frame.assign(lead_time_hours=-frame["lead_time_hours"]), "must not be negative"),
        (lambda frame: frame.assign(init_time="yesterday"), "ISO 8601"),
        (lambda frame: frame.assign(observation=np.arange(len(frame)) % 7 + 280.0), "different observations"),
    ],
)
def test_a_bad_table_is_named_in_one_line(tmp_path: Path, change: object, message: str) -> None:
    table = _write(change(_table(days=2, stations=3)), tmp_path / "table.csv")  # type: ignore[operator]
    with pytest.raises(TableError, match=message) as caught:
        evaluate(table, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists(), "nothing half-written"


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "table.csv"
    path.write_bytes(data)
    with pytest.raises(TableError):
        read_table(path)


@pytest.mark.realdata
def test_eight_real_models_are_beaten(realdata: Path, tmp_path: Path) -> None:
    """ensembleBMA's srft: temperature at 48 h of eight models; from the 11th date on, strictly past data."""
    wide = pd.read_csv(realdata / "forecast_obs/csv_from_rda/ensembleBMA_srft.csv.gz")
    valid = pd.to_datetime(wide["date"].astype(str), format="%Y%m%d%H")
    wide = wide.assign(init_time=valid - pd.Timedelta(hours=48), lead_time_hours=48, parameter="temperature_2m")
    keys = ["parameter", "init_time", "lead_time_hours", "station", "latitude", "longitude", "elevation", "observation"]
    table = _write(
        wide.melt(id_vars=keys, value_vars=MODELS, var_name="source", value_name="forecast"), tmp_path / "srft.csv"
    )
    rmse = _rmse(table, score_from=sorted(wide["init_time"].unique())[10].to_pydatetime())
    assert rmse[48, "hourcast"] < 0.84 * min(rmse[48, "equal_weights"], rmse[48, "best_source"])
    assert rmse[48, "equal_weights"] == pytest.approx(3.127, abs=0.002), "the known figure of the raw mean"


@pytest.mark.realdata
def test_nine_real_models_of_precipitation_are_beaten(realdata: Path, tmp_path: Path) -> None:
    """ensembleBMA's prcpDJdata: daily amounts (1/100 inch) of nine models; from the 16th date on, past data only."""
    wide = pd.read_csv(realdata / "forecast_obs/csv_from_rda/ensembleBMA_prcpDJdata.csv.gz")
    models = ["avn/gfs", "cent", "cmcg", "eta", "gasp", "jma", "ngps", "tcwb", "ukmo"]
    valid = pd.to_datetime(wide["dates"].astype(str), format="%Y%m%d")
    wide[[*models, "observation"]] = 0.254 * wide[[*models, "observations"]]
    wide = wide.assign(
        init_time=valid - pd.Timedelta(hours=48), lead_time_hours=48, parameter="precipitation",
        station=wide["latitude"], longitude=-120.0, elevation=np.nan,
    )  # fmt: skip
    keys = ["parameter", "init_time", "lead_time_hours", "station", "latitude", "longitude", "elevation", "observation"]
    long = wide.melt(id_vars=keys, value_vars=models, var_name="source", value_name="forecast")
    table = _write(long.drop_duplicates(["source", "init_time", "station"]), tmp_path / "prcp.csv")
    start = sorted(wide["init_time"].unique())[15].to_pydatetime()
    records = {record["system"]: record for record in evaluate(table, None, start)}
    assert records["hourcast"]["rmse"] < min(records[name]["rmse"] for name in ("equal_weights", "best_source"))
    assert records["hourcast"]["crps"] < 0.9 * records["equal_weights"]["crps"], "of the raw ensemble, fair"


def test_the_command_prints_every_system_the_best_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _write(_table(), tmp_path / "table.csv")
    show_evaluation(path, None, None)
    printed = capsys.readouterr().out
    found = evaluate(path)
    records = [record for record in found if record["lead_time_hours"] == found[0]["lead_time_hours"]]
    ordered = [record["system"] for record in sorted(records, key=lambda record: record["rmse"])]
    places = [printed.index(f" {system} ") for system in ordered]
    assert places == sorted(places)
    assert f"{records[0]['rmse']:.4g}" in printed


def test_persistence_knows_only_what_was_observed_before_the_hour(tmp_path: Path) -> None:
    data = series(read_table(_write(_table(days=12), tmp_path / "table.csv")), "temperature_2m")
    found, observed = with_persistence(data), {case.valid_time: case.observed for case in data.cases}
    day, seen = np.timedelta64(24, "h"), 0
    assert found.sources == ("good", "late", "persistence")
    assert not found.common[:, 2].any(), "it is not scored"
    for case in found.cases:
        times = [
            time for time in observed if time < found.hours[case.hour] and (case.valid_time - time) % day == 0 * day
        ]
        newest = max(times, default=None)
        if newest is None or found.hours[case.hour] - newest > 2 * day:
            continue
        np.testing.assert_array_equal(case.forecasts[2], observed[newest])
        seen += 1
    assert seen > 20
    assert with_persistence(found) is found, "a table's own persistence stays"


def test_without_a_new_report_it_is_the_mean_of_the_older_ones(tmp_path: Path) -> None:
    days = (0, 1, 2, 9)
    observed = [np.array([value, 280.0]) for value in (270.0, 274.0, 275.0, 290.0)]
    rows = [_rows("one", day, seen, seen) for day, seen in zip(days, observed, strict=True)]
    data = series(read_table(_write(pd.concat(rows), tmp_path / "table.csv")), "temperature_2m")
    said = [case.forecasts[-1] for case in with_persistence(data).cases]
    assert np.isnan(said[0]).all()
    np.testing.assert_array_equal(said[2], observed[0], "of the day before the hour nothing had come")
    np.testing.assert_allclose(said[3], [273, 280], err_msg="three reports, all of them a week old")


def test_directions_of_the_season_are_averaged_on_the_circle(tmp_path: Path) -> None:
    rows = [_rows("one", day, np.array([value]), np.array([value])) for day, value in ((0, 350), (1, 20), (9, 90))]
    frame = pd.concat(rows).assign(parameter="wave_direction")
    data = series(read_table(_write(frame, tmp_path / "table.csv")), "wave_direction")
    np.testing.assert_allclose(with_persistence(data).cases[2].forecasts[-1], [5], atol=1e-3)


def test_irregular_reports_do_not_leave_models_that_err_alike_alone(tmp_path: Path) -> None:
    """Models that exaggerate each departure from the season, and reports on some days only."""
    generator, rows = np.random.default_rng(7), []
    for day in np.flatnonzero(generator.random(150) < 0.4):
        truth = 280 + generator.normal(0, 2, 5)
        for source in ("first", "second"):
            rows.append(_rows(source, int(day), 280 + 3 * (truth - 280) + generator.normal(0, 0.3, 5), truth))
    table = _write(pd.concat(rows, ignore_index=True), tmp_path / "table.csv")
    assert _rmse(table, score_from=datetime(2026, 2, 1))[24, "hourcast"] < 1.5


def test_where_models_err_alike_persistence_helps(tmp_path: Path) -> None:
    """Stations that the models do not resolve: each day's error is common to all models, the weather is slow."""
    generator = np.random.default_rng(3)
    days, stations = 40, 30
    truth = 280 + np.cumsum(generator.normal(0, 0.3, (days + 3, stations)), axis=0)
    rows = []
    for day in range(days):
        common = generator.normal(0, 2, stations)
        for source in ("first", "second"):
            said = truth[day + 1] + common + generator.normal(0, 0.5, stations)
            rows.append(_rows(source, day, said, truth[day + 1]))
    table = _write(pd.concat(rows, ignore_index=True), tmp_path / "table.csv")
    found = _rmse(table, score_from=datetime(2026, 1, 20))
    assert found[24, "hourcast"] < 0.6 * found[24, "equal_weights"]


def _rows(source: str, day: int, said: np.ndarray, observed: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": source, "parameter": "temperature_2m", "lead_time_hours": 24, "elevation": 10.0,
            "init_time": pd.Timestamp("2026-01-01") + pd.Timedelta(days=day), "longitude": 3 * np.arange(len(said)),
            "station": [f"S{k}" for k in range(len(said))], "latitude": np.arange(len(said)), "forecast": said,
            "observation": observed,
        }
    )  # fmt: skip
