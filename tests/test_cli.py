"""The command line: help that teaches, and one clear line with exit code 2 for whatever cannot be used."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.store import Store
from tests.tiny_deployment import HOUR, tiny

LEAST = "store: file://{folder}/store\nsources: {{gfs: }}\n"
COMMANDS = (
    "demo", "run", "resume", "rerun", "status", "ingest", "evaluate", "point", "explain", "report", "cost", "doctor",
)  # fmt: skip
GROUPS = {"export": ("netcdf",), "cloud": ("up",), "parameters": ("list", "search", "show")}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "forecast.yaml"
    path.write_text(LEAST.format(folder=tmp_path))
    return path


def hourcast(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `hourcast words...`."""
    monkeypatch.setattr(sys, "argv", ["hourcast", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def test_help_is_quick_and_names_every_command() -> None:
    begin = os.times().children_user
    done = subprocess.run([sys.executable, "-m", "pipeline", "--help"], capture_output=True, text=True, check=True)
    assert os.times().children_user - begin < 1, "nothing heavy may be imported (0.2 s on a quiet machine)"
    assert all(command in done.stdout for command in (*COMMANDS, *GROUPS))
    program = "import pipeline.cli, sys; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert {"numpy", "xarray", "zarr", "obstore", "pydantic"}.isdisjoint(modules.split())


@pytest.mark.parametrize("command", [*COMMANDS, *(f"{group} {name}" for group in GROUPS for name in GROUPS[group])])
def test_the_help_of_a_command_has_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = hourcast(monkeypatch, capsys, *command.split(), "--help")
    assert code == 0
    assert f"hourcast {command}" in out.split("Usage:")[1].split("Example")[1]


EXPLAIN = ("explain", "--lat", "50", "--lon", "0", "--lead", "6", "--parameter")
BAD_INPUT = [
    (["run"], "Missing option '--cycle'"),
    (["rnu"], "No such command 'rnu'"),
    ([], "a command is missing"),
    (["run", "--cycle", "yesterday"], "expected a cycle such as 2026-01-31T06 .*; found 'yesterday'"),
    (["run", "--cycle", "2026-01-31T06:30"], "expected a cycle"),
    (["run", "--cycle", "2126-01-31T06"], "the cycle 21260131T06Z is in the future; expected one not after"),
    (["run", "--cycle", "2026-01-31T06", "--config", "absent.yaml"], "cannot read the configuration absent.yaml"),
    (["point", "--lat", "95", "--lon", "0"], "Invalid value for '--lat'"),
    (["point", "--lat", "50", "--lon", "0", "--parameter", "temprature_2m"], "did you mean temperature_2m"),
    (["point", "--lat", "50", "--lon", "0"], "nothing is published in file://.*`hourcast run"),
    ([*EXPLAIN, "temperature_2m"], "nothing is published in file://.*`hourcast run"),
    ([*EXPLAIN, "temperature_2m", "--hour", "2026-01-31T06"], "the hour 20260131T06Z is not published"),
    ([*EXPLAIN, "temperature_2m", "--picture", "why.png"], r"a picture ending in .svg or .html; found why.png"),
    (["report"], "nothing is published in"),
    (["report", "--cycle", "2026-01-31T06"], "the hour 20260131T06Z is not published"),
    (["cost", "--cycle", "2026-01-31T06"], "no shard of 20260131T06Z is finished"),
    (["cost", "--region", "mars"], "one of us-east-1; found 'mars'"),
    (["export", "netcdf", "a.nc"], "nothing is published in"),
    (["parameters", "show", "wet_bulb_temperatur_2m"], "unknown parameter .*; did you mean wet_bulb_temperature_2m"),
    (["parameters", "show", "wind_gust", "--cycle", "2026-01-31T06"], "the hour 20260131T06Z is not published"),
    (["parameters", "list", "--family", "humidty"], "unknown family 'humidty'; did you mean humidity"),
    (["parameters", "search", "xyzzy"], "no parameter has 'xyzzy'"),
    (["ingest", "gsf", "a.grib2"], "unknown source 'gsf'; did you mean gfs"),
    (["ingest", "gfs", "absent.grib2"], "expected a GRIB2 file; there is none at absent.grib2"),
    (["evaluate", "absent.csv"], "absent.csv"),
]


@pytest.mark.parametrize(
    ("words", "message"), BAD_INPUT, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str], message: str, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOURCAST_CONFIG", str(config))
    monkeypatch.chdir(config.parent)
    code, _, err = hourcast(monkeypatch, capsys, *words)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert re.search(message, err), err


def test_an_unknown_source_in_the_configuration_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f.yaml").write_text("store: memory://\nsources: {icno: }\n")
    code, _, err = hourcast(monkeypatch, capsys, "status", "--config", tmp_path / "f.yaml")
    assert (code, err) == (2, "hourcast: unknown source 'icno'; did you mean icon, core?\n")


def test_leaving_out_what_a_source_does_not_carry_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f.yaml").write_text('store: memory://\nsources: {icon: {without: ["*hpascal"]}}\n')
    code, _, err = hourcast(monkeypatch, capsys, "status", "--config", tmp_path / "f.yaml")
    told = "hourcast: source icon: expected `without` to name what it carries; found '*hpascal'\n"
    assert (code, err) == (2, told)


def test_a_store_that_cannot_be_written_fails_the_run_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("store: file:///proc/hourcast\nsources: {gfs: {endpoint: 'file:///nowhere'}}\n")
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        "--cycle",
        "2026-01-31T06",
        "--config",
        str(tmp_path / "f.yaml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot write file:///proc/hourcast" in done.stderr.splitlines()[-1]


def fill_disk() -> None:
    """Let no file grow over some kilobytes, as a full disk would."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))


def test_a_full_disk_fails_the_run_in_one_line_and_publishes_nothing(tmp_path: Path) -> None:
    config = tiny(tmp_path, "store")
    command = [sys.executable, "-m", "pipeline", "run", "--cycle", str(HOUR), "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=fill_disk)
    assert done.returncode == 2
    assert "cannot write file://" in done.stderr.splitlines()[-1]
    assert "nothing was published" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "store/forecast/latest.json").exists()


def test_status_of_an_empty_store_says_so(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = hourcast(monkeypatch, capsys, "status", "--config", config)
    assert code == 0
    assert "No hour has been begun" in out


def test_the_catalogue_is_told_without_a_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for words, expected in (
        (["list", "--derived", "--family", "sea"], "wave_group_speed"),
        (["search", "wave", "period"], "primary_wave_period"),
        (["show", "heat_index"], "Rothfusz"),
    ):
        code, out, _ = hourcast(monkeypatch, capsys, "parameters", *words)
        assert code == 0
        assert expected in out


def test_ctrl_c_stops_with_130_and_nothing_half_written(config: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "run", "--cycle", "2026-01-31T06", "--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    assert "Hour 20260131T06Z" in process.stderr.readline()
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("hourcast: stopped by Ctrl-C")
    store = Store.open(f"file://{config.parent}/store")
    assert not store.exists("forecast/latest.json")
    assert not [path for path in config.parent.rglob("*") if path.name.endswith(".partial") or "#" in path.name]
