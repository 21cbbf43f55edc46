"""A physics model on the cluster, from its description to its place in the blend: prepared, submitted, followed.

The description is a YAML file: `model`, `programs`, `data`, perhaps `image` and `domain`, and under `run` what the
model's own class asks for (docs/physics.md). A run has nothing to do with an hour until it is stored; then it is a
source as any other, and an hour that it misses goes on without it and says so in its manifest.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from models.chain import Job, described, programs, texts
from models.progress import Model, Step, progress
from pipeline import slurm
from pipeline.config import ConfigError, model_and_domain
from pipeline.physics import inputs as physics_inputs
from pipeline.slurm import Layout
from pipeline.slurm.progress import Decision, decide
from pipeline.steps import Deployment

_KEYS = {"model", "domain", "programs", "data", "image", "run"}
JOBS = "jobs.json"
"""In the folder of a run that has been submitted: the jobs' numbers by step."""
STORED = "stored"
"""Left in the folder of a run by its last step once the output is stored: Slurm forgets the jobs."""


def read(path: Path) -> Job:
    """The job of a description; ConfigError in one line if it cannot be run."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict) or not {"model", "run"} <= found.keys() <= _KEYS:
        raise ConfigError(f"{path}: expected the keys model and run, and none but {', '.join(sorted(_KEYS))}")
    try:
        return job_of(found)
    except (ValidationError, ValueError) as error:
        problem = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else {"msg": str(error)}
        where = ".".join(str(part) for part in problem.get("loc", ()))
        raise ConfigError(f"{path}: run{'.' if where else ''}{where}: {problem['msg']}") from None


def job_of(description: Mapping[str, Any]) -> Job:
    """The job of a description that has been read; ValueError if the run is not what its model can do."""
    model = description["model"]
    if model not in get_args(Model):
        raise ValueError(f"expected a model of {', '.join(get_args(Model))}; found {model!r}")
    domain = str(description.get("domain", ""))
    if domain:
        model_and_domain(f"{model}-{domain}")
    run = described(model, description["run"])
    if run.history_minutes % 60:
        raise ValueError(f"expected history_minutes of whole hours, as the blend has; found {run.history_minutes}")
    places = {key: str(description.get(key, "")) for key in ("programs", "data", "image")}
    return Job(model, run, **places, domain=domain)


def prepare(deployment: Deployment, job: Job, folder: Path) -> list[str]:
    """Make the folder of a run: its inputs, every namelist for the eye and, last, its description; the inputs' names.

    Without a description it is no run, so one whose inputs are not all there is never submitted.

    physics_inputs.InputError if what starts or drives it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for program in programs(job):
        for name, text in texts(job, program.stage, job.run.start, job.run.end).items():
            shown = folder / "namelists" / program.stage / name
            shown.parent.mkdir(parents=True, exist_ok=True)
            shown.write_text(text)
    made = physics_inputs.stage(deployment, job, folder)
    job.write(folder)
    return made


def submit(job: Job, folder: Path, config: Path, chosen: Mapping[Step, Layout] | None = None) -> dict[Step, int]:
    """Submit pre, run and post, each after the one before, of which post stores the output; the jobs' numbers.

    chosen: layouts instead of the table's. ValueError for ranks that leave a node half empty.
    """
    python, here = shlex.quote(sys.executable), shlex.quote(str(folder.resolve()))
    steps: list[Step] = [step for step in slurm.STEPS if programs(job, step)]
    commands = {step: f"{python} -m models.chain_job {here} {step}" for step in steps}
    store = f"{python} -m pipeline physics store {here} --config {shlex.quote(str(config.resolve()))} && touch {STORED}"
    commands["post"] = f"{commands['post']} && {store}" if "post" in commands else store
    layouts = {step: slurm.layouts()[job.model, step] for step in commands} | dict(chosen or {})
    layouts["run"] = slurm.sized(layouts["run"], job.run.ranks)
    (folder / STORED).unlink(missing_ok=True)
    jobs = slurm.submit_chain(job.source, commands, folder, layouts)
    (folder / JOBS).write_text(json.dumps(jobs))
    return jobs


def jobs_of(folder: Path) -> dict[Step, int]:
    """The jobs that `submit` has started; FileNotFoundError if it has not."""
    jobs: dict[Step, int] = json.loads((folder / JOBS).read_text())
    return jobs


def stored(folder: Path) -> bool:
    """Whether a run that has been submitted is an input of the blend."""
    return (folder / STORED).exists() or slurm.status(jobs_of(folder)["post"]).state == "COMPLETED"


def standing(folder: Path, now: datetime, deadline: datetime) -> Decision:
    """Whether an hour that must have the run by `deadline` shall wait for it; both UTC.

    A chain that has failed or that Slurm holds is not waited for, one that is done needs no waiting.
    """
    job, jobs = Job.read(folder), jobs_of(folder)
    known = {step: slurm.status(number) for step, number in jobs.items()}
    if known["post"].state == "COMPLETED" or (folder / STORED).exists():  # in this order: it may end meanwhile
        return Decision(True, "it is stored")
    for step, found in known.items():
        if found.ended and found.state not in {"COMPLETED", slurm.FORGOTTEN}:
            end = f"{folder}/{job.source}-{step}.{jobs[step]}.log"
            return Decision(False, f"{job.source} {step} ended as {found.state}: see {end}")
        if found.held:
            advice = f"`scontrol show job {jobs[step]}`, then `scontrol release` or `scancel`"
            return Decision(False, f"{job.source} {step} is held by Slurm, {found.reason}: {advice}")
    if known["post"].ended:
        return Decision(False, f"{job.source} has ended, and nothing is stored: see the logs in {folder}")
    log = folder / programs(job, "run")[0].log
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return decide(progress(job.model, lines, _lasted(job, folder, now)), job.run.end, deadline - now)


def release(folder: Path) -> list[Step]:
    """Try again what no node could start of a run; the steps that are."""
    return [step for step, number in jobs_of(folder).items() if slurm.release(number)]


def _lasted(job: Job, folder: Path, now: datetime) -> float | None:
    """Seconds since the attempt of a model whose log has no timings; its namelist is written as it starts."""
    namelist = folder / "ww3_shel.nml"
    if job.model != "ww3" or not namelist.exists():
        return None
    return (now - datetime.fromtimestamp(namelist.stat().st_mtime, UTC).replace(tzinfo=None)).total_seconds()
