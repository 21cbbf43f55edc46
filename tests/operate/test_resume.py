"""`hourcast resume`: every hour that was begun, whatever becomes of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import journal, paths
from pipeline.operate import latest_hour, resume
from pipeline.runner import StageError
from pipeline.store import Store
from tests.tiny_deployment import HOUR, tiny


def test_an_hour_that_cannot_be_finished_keeps_no_later_one_waiting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tiny(tmp_path, "store")
    store = Store.open(f"file://{tmp_path}/store")
    lost = HOUR - 240  # whose feeds are gone
    for hour in (lost, HOUR):
        journal.begin(store, hour)
    with pytest.raises(StageError, match=str(lost)):
        resume(path, None)
    assert latest_hour(store) == HOUR
    assert journal.is_finished(store, HOUR)
    assert capsys.readouterr().out == f"published {paths.forecast(HOUR)} in {store.url}\n"
