"""What the commands of `hourcast physics` do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


def submit(description: Path, folder: Path, config: Path, *, dry_run: bool) -> None:
    """Prepare a run and submit its chain; with `dry_run` prepare it only."""
    from pipeline import physics
    from pipeline.operate import open_deployment

    job = physics.read(description)
    made = physics.prepare(open_deployment(config), job, folder)
    print(f"{job.source} from {job.run.start:%Y-%m-%dT%H} for {job.run.hours} h: prepared in {folder}")
    print(f"inputs: {', '.join(made) or 'none'}")
    if not dry_run:
        jobs = physics.submit(job, folder, config)
        print("submitted: " + ", ".join(f"{step} is job {number}" for step, number in jobs.items()))


def status(folder: Path, deadline: datetime) -> bool:
    """Show where the jobs of a run stand; whether an hour shall wait for it."""
    from pipeline import physics, slurm

    for step, number in physics.jobs_of(folder).items():
        now = slurm.status(number)
        where = now.nodes or "on no node"
        why = f", {now.reason}" * bool(now.reason)
        print(f"{step}: job {number} {now.state}, put back {now.restarts} times, {where}{why}")
    decision = physics.standing(folder, datetime.now(UTC).replace(tzinfo=None), deadline)
    print(f"{'wait' if decision.wait else 'go on without it'}: {decision.reason}")
    return decision.wait


def make_hour(cycle: str, folder: Path, config: Path, *, minutes: float) -> bool:
    """Prepare and submit the configured runs of an hour and wait for them so long; whether all are stored by then."""
    from pipeline.cycle import Cycle
    from pipeline.physics.hour import submitted, watched

    deadline = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)
    runs, verdicts = submitted(config, Cycle.parse(cycle), folder)
    print(f"runs: {', '.join(map(str, runs)) or 'none'}")
    verdicts |= watched(runs, deadline, lambda: True) or {}
    for name, verdict in verdicts.items():
        print(f"{name}: {'stored' if verdict.state == 'whole' else 'go on without it'}: {verdict.reason}")
    return all(verdict.state == "whole" for verdict in verdicts.values())


def store_output(folder: Path, config: Path) -> None:
    """Store the output of a run as a run of its source."""
    from pipeline.operate import open_deployment
    from pipeline.physics.output import store

    print(f"stored {store(open_deployment(config), folder)}")
