"""The physics runs that a deployment makes with its hours: which is due at an hour, prepared, and on what nodes.

`physics:` in forecast.yaml has one run a model or domain of it, described as in docs/physics.md but for its start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from models.chain import JOB, Job
from models.progress import Step
from pipeline import physics, slurm
from pipeline.config import ConfigError, PhysicsConfig, model_and_domain
from pipeline.cycle import Cycle
from pipeline.physics.inputs import InputError
from pipeline.slurm import Layout
from pipeline.steps import Deployment

FARTHEST_BACK_HOURS = 24
"""A run that started longer before the hour is not worth its nodes."""


def due(deployment: Deployment, hour: Cycle, folder: Path) -> tuple[list[Path], dict[str, str]]:
    """The folders of the hour's runs, and why there is none of a name.

    A run's folder is START/NAME in `folder`, and START the newest of the run's starts up to the hour of which the
    inputs are there: what is driven by our own blend starts an hour before. One that an earlier hour has prepared is
    taken as it is. ConfigError for a run that its model cannot do at any of them.
    """
    runs: list[Path] = []
    absent: dict[str, str] = {}
    for name, settings in deployment.config.physics.items():
        try:
            runs.append(_newest(deployment, name, settings, hour, folder))
        except (InputError, OSError) as error:  # a driving model's server, or the disk
            absent[name] = str(error)
    return runs, absent


def _newest(deployment: Deployment, name: str, settings: PhysicsConfig, hour: Cycle, folder: Path) -> Path:
    """InputError that says what the newest start lacks, if all lack something."""
    lacking: list[InputError] = []
    for start in _starts(hour, settings.every_hours):
        place = folder / str(start) / name
        if (place / JOB).exists():
            return place
        try:
            physics.prepare(deployment, physics.job_of(_description(name, settings, start)), place)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = ".".join(("physics", name, "run", *map(str, problem["loc"])))
            raise ConfigError(f"{where}: {problem['msg']}") from None
        except InputError as error:
            lacking.append(error)
        else:
            return place
    raise lacking[0]


def _starts(hour: Cycle, every_hours: int) -> Iterator[Cycle]:
    """Newest first; starts lie on fixed hours of the day."""
    first = hour.init_time.hour % every_hours
    yield from (hour - back for back in range(first, FARTHEST_BACK_HOURS + 1, every_hours))


def _description(name: str, settings: PhysicsConfig, start: Cycle) -> dict[str, object]:
    places = {"programs": settings.programs, "data": settings.data, "image": settings.image}
    model, domain = model_and_domain(name)
    return {"model": model, "domain": domain, **places, "run": {**settings.run, "start": start.init_time}}


def nodes(deployment: Deployment, job: Job) -> Mapping[Step, Layout]:
    """The layouts of a run's steps on the configuration's nodes; empty for those of `slurm/jobs.csv`."""
    settings = deployment.config.physics.get(job.source)
    if settings is None or settings.nodes is None:
        return {}
    asked = settings.nodes
    known = {step: slurm.layouts()[job.model, step] for step in slurm.STEPS}
    return {
        step: replace(
            layout, partition=asked.partition, nodes=1, threads=asked.threads, minutes=asked.minutes, efa=False,
            ranks_per_node=asked.ranks_per_node if layout.ranks_per_node > 1 else 1,
        )
        for step, layout in known.items()
    }  # fmt: skip
