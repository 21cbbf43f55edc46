"""What a configuration says is never taken for shell, in a batch script or where a program's files are looked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.chain_job import _names
from pipeline.config import NodesConfig
from pipeline.slurm import Layout, script

CORPUS = (
    "x; touch {0}", "$(touch {0})", "`touch {0}`", "x\ntouch {0}", "x\r#SBATCH --uid=0", "'; touch {0}; '",
    "a b && touch {0}", "| touch {0}", "${{IFS}}touch {0}", '"; touch {0}; "', "&& touch {0}",
)  # fmt: skip
ONE = Layout(partition="", nodes=1, ranks_per_node=1, threads=1, minutes=5, signal_seconds=0, efa=False)


@pytest.fixture(params=CORPUS)
def hostile(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A value that would leave a file in the working folder, were it shell; none is there afterwards."""
    monkeypatch.chdir(tmp_path)
    return str(request.param).format("owned")


def test_a_partition_is_a_word(hostile: str) -> None:
    with pytest.raises(ValueError, match="expected a name"):
        script("a", "true", replace(ONE, partition=hostile))
    with pytest.raises(ValidationError, match="partition"):
        NodesConfig.model_validate({"partition": hostile, "ranks_per_node": 1})
    assert NodesConfig.model_validate({"partition": "hpc7a-48", "ranks_per_node": 1})


def test_a_folder_of_programs_in_an_image_is_looked_into_and_not_run(hostile: str, tmp_path: Path) -> None:
    place = tmp_path / "share" / " ".join(hostile.splitlines())
    place.mkdir(parents=True)
    (place / "LANDUSE.TBL").write_text("")
    assert _names(["env"], place / "*.TBL") == [place / "LANDUSE.TBL"]
    assert not list(tmp_path.glob("**/owned"))
