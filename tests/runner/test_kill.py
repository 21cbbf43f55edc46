"""`hourcast run` killed at random moments, then `resume`: the same bytes, and no reader sees a partial hour."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.tiny_deployment import HOUR, tiny

KILLS = 10
OUTPUTS = ("forecast", "ensemble", "tracks", "skill", "exports")


def start(config: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipeline", *words, "--config", str(config)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contents(store: Path) -> dict[str, bytes]:
    files = (path for name in OUTPUTS for path in (store / name).rglob("*") if path.is_file())
    return {str(path.relative_to(store)): path.read_bytes() for path in files if not path.name.endswith(".lock")}


class Reader(threading.Thread):
    """Finds a pointer at once and follows it fifty times a second; remembers what was missing behind it."""

    def __init__(self, store: Path, published: set[str]) -> None:
        super().__init__(daemon=True)
        self.store, self.published = store, published
        self.stopped = threading.Event()
        self.missing: set[str] = set()

    def run(self) -> None:
        pause = 0.002
        while not self.stopped.wait(pause):
            try:
                folder = json.loads((self.store / "forecast/latest.json").read_text())["path"]
            except FileNotFoundError:
                pause = 0.002
                continue
            self.missing |= {key for key in self.published if not (self.store / folder / key).exists()}
            pause = 0.02


def finished(store: Path) -> int:
    """How many shards the hour's journal tells of."""
    return len(list((store / f"journal/{HOUR}").glob("*/*.json")))


def test_killed_ten_times_and_resumed_gives_the_same_bytes(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(tiny(tmp_path, "whole"), "run", "--cycle", str(HOUR)).wait() == 0
    expected, shards = contents(whole), finished(whole)
    hour = f"forecast/{HOUR}/"
    reader = Reader(killed, {key.removeprefix(hour) for key in expected if key.startswith(hour)})
    reader.start()
    config, moments, halfway = tiny(tmp_path, "killed"), random.Random(1), 0
    for _ in range(KILLS):
        enough = moments.randint(finished(killed), shards)
        process = start(config, "run", "--cycle", str(HOUR))
        while process.poll() is None and finished(killed) < enough:
            time.sleep(0.005)
        with suppress(subprocess.TimeoutExpired):  # within what comes next, or within the start
            process.wait(moments.uniform(0, 0.5))
        process.kill()
        process.wait()
        halfway += 0 < finished(killed) < shards
        if (killed / f"journal/{HOUR}/finished.json").exists():
            assert contents(killed) == expected
            start_again(killed)
    assert start(config, "resume").wait() == 0
    reader.stopped.set()
    reader.join()
    assert contents(killed) == expected
    assert reader.missing == set()
    assert halfway, "some of the kills came while shards were being finished"


def start_again(store: Path) -> None:
    """Forget the finished hour, the pointer first, as no reader may follow it into the deletion."""
    (store / "forecast/latest.json").unlink()
    time.sleep(0.1)
    for name in ("exports", "forecast", "journal", "work", "skill", "observations", "tracks"):
        shutil.rmtree(store / name, ignore_errors=True)
