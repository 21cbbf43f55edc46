"""The programs of a physics model's chain, from one table, and the description of a run that they share.

`chain.csv` has one row a program, in order: what is linked beside it from the folder of programs (`share/`) or of fixed
data (`data/`), what must be there when it starts, the line of its log without which it has failed, what it leaves.
`if` names the part of the description that asks for it; `ranks` is one, all of the run's, or at most a node's.
The lines are those of WRF 4, WPS 4, MPAS-Atmosphere 8 and WAVEWATCH III 6.07.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from models import core_run, namelists_mpas, namelists_mpas_init, namelists_wrf, namelists_ww3
from models.namelists_domain import Run
from models.progress import Model, Step

JOB = "chain.json"
_KINDS: dict[Model, type[Run]] = {
    "wrf": namelists_wrf.WrfRun, "mpas": namelists_mpas.MpasRun, "ww3": namelists_ww3.Ww3Run, "core": core_run.CoreRun,
}  # fmt: skip
Texts = Callable[[Any, str, datetime, datetime], Mapping[str, str]]
_TEXTS: dict[Model, Texts] = {
    "wrf": namelists_wrf.texts, "mpas": namelists_mpas_init.texts, "ww3": namelists_ww3.texts,
    "core": lambda run, stage, since, until: {},
}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """A row of the table, its names filled in for a run; patterns as a shell has them."""

    step: Step
    stage: str
    program: str
    ranks: Literal["one", "node", "all"]
    links: tuple[str, ...]
    inputs: tuple[str, ...]
    log: str
    success: str
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """A run that has been prepared in a folder.

    `programs`: a folder with `bin/` and `share/` as our containers have them, inside `image` (for apptainer) if one is
    named. `data`: a folder with what no feed brings: geographical data, meshes with their partitions, depths. `domain`:
    its name where a model has several.
    """

    model: Model
    run: Run
    programs: str
    data: str
    image: str = ""
    domain: str = ""

    @property
    def source(self) -> str:
        """As what its output is stored; a model's runs from one start differ by their domain."""
        return f"{self.model}-{self.domain}" if self.domain else self.model

    @property
    def enter(self) -> list[str]:
        """What stands before a command that shall see the programs."""
        return ["apptainer", "exec", "--bind", self.data, self.image] if self.image else []

    def write(self, folder: Path) -> None:
        """Store it where the job will run."""
        facts = {name: getattr(self, name) for name in ("model", "domain", "programs", "data", "image")}
        (folder / JOB).write_text(json.dumps(facts | {"run": self.run.model_dump(mode="json")}, indent=1))

    @classmethod
    def read(cls, folder: Path) -> Job:
        """What `write` has stored; FileNotFoundError if nothing was prepared there."""
        facts = json.loads((folder / JOB).read_text())
        return cls(**facts | {"run": described(facts["model"], facts["run"])})


def described(model: Model, description: Mapping[str, Any]) -> Run:
    """The run of a model from its description; pydantic's ValidationError says what is wrong with it."""
    return _KINDS[model].model_validate(description)


def texts(job: Job, stage: str, since: datetime, until: datetime) -> Mapping[str, str]:
    """Namelists and the like, by file name, that a stage reads to do the part of the run from `since` to `until`."""
    return _TEXTS[job.model](job.run, stage, since, until)


def programs(job: Job, step: Step | None = None) -> list[Program]:
    """The programs of the run, of one step or of all, in order."""
    return [
        _filled(row, job.run.names)
        for row in _rows()
        if row["model"] == job.model and step in (row["step"], None) and (not row["if"] or getattr(job.run, row["if"]))
    ]


@cache
def _rows() -> tuple[Mapping[str, str], ...]:
    with resources.files(__package__).joinpath("chain.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def _filled(row: Mapping[str, str], names: Mapping[str, str]) -> Program:
    facts: dict[str, Any] = {column: row[column] for column in ("step", "stage", "program", "ranks", "log", "success")}
    facts |= {column: tuple(row[column].format(**names).split()) for column in ("links", "inputs", "outputs")}
    return Program(**facts)
