"""A step of a physics model's chain as a job of a cluster: `python -m models.chain_job FOLDER pre|run|post`.

It runs the programs of the step one after the other and believes each only for what its log says and what it left. A
job that Slurm has put back, as after a lost node, goes on from the newest whole restart file.
"""

from __future__ import annotations

import glob
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from models.chain import Job, Program, programs, texts
from models.progress import Step
from models.restarts import go_on, show_ww3_fields, ww3_attempts

_LAST_LINES = 10


class ProgramError(RuntimeError):
    """A program could not start or has failed; the message says what was expected and the end of its log."""


def execute(folder: Path, step: Step) -> None:
    """Do a step; ProgramError at the first program that fails."""
    job = Job.read(folder)
    for program in programs(job, step):
        for since, until in _parts(job, folder, program):
            _link(job, folder, program)
            for name, text in texts(job, program.stage, since, until).items():
                (folder / name).write_text(text)
            _run(job, folder, program)


def _parts(job: Job, folder: Path, program: Program) -> Iterator[tuple[datetime, datetime]]:
    """The parts of the run that a program does at a time; none if it was done before the job was put back."""
    if program.step == "run":
        log = _log(folder, program)
        if not _succeeded(program, log):
            yield go_on(job, folder, log), job.run.end
    elif program.step == "post" and job.model == "ww3":
        for since, until, path in ww3_attempts(job, folder):
            show_ww3_fields(folder, path)
            yield since, until
    else:
        yield job.run.start, job.run.end


def _link(job: Job, folder: Path, program: Program) -> None:
    """Put beside the programs what they look for; files that are there stay."""
    roots = {"share": (job.enter, Path(job.programs) / "share"), "data": ([], Path(job.data))}
    for item in program.links:
        target, _, source = item.rpartition("=")
        root, _, pattern = source.partition("/")
        enter, place = roots[root]
        for found in _names(enter, place / pattern):
            link = folder / (target or found.name)
            if link.is_symlink():
                link.unlink()
            if not link.exists():
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(found)


def _names(enter: Sequence[str], pattern: Path) -> list[Path]:
    """What a shell makes of a pattern, inside the image if the programs are in one; the pattern itself if nothing."""
    if not enter:
        return [Path(name) for name in sorted(glob.glob(str(pattern)))]
    # Its words are not split and what is in it is not run; only its stars are what a shell takes them for.
    command = [*enter, "sh", "-c", "IFS=; ls -d -- $1", "sh", str(pattern)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return [Path(line) for line in listed.stdout.splitlines()]


def _run(job: Job, folder: Path, program: Program) -> None:
    absent = [pattern for pattern in program.inputs if not glob.glob(str(folder / pattern))]
    if absent:
        raise ProgramError(f"{program.stage}: expected {', '.join(absent)} before {program.program}; found none")
    (folder / program.log).unlink(missing_ok=True)
    with (folder / f"{program.stage}.out").open("w") as out:
        code = subprocess.run(_command(job, program), cwd=folder, stdout=out, stderr=subprocess.STDOUT).returncode
    log = _log(folder, program)
    left = [pattern for pattern in program.outputs if not glob.glob(str(folder / pattern))]
    if code or not _succeeded(program, log) or left:
        wanted = f"{program.success!r} in {program.log}" + (f" and {', '.join(left)}" if left else "")
        end = "\n".join(log[-_LAST_LINES:])
        raise ProgramError(f"{program.stage}: {program.program} ended with code {code}; expected {wanted}\n{end}")


def _command(job: Job, program: Program) -> list[str]:
    if program.program.startswith("models."):
        return [sys.executable, "-m", program.program, "."]
    given = int(os.environ.get("SLURM_NTASKS", "1"))
    ranks = {"one": 1, "node": min(job.run.ranks, given), "all": job.run.ranks}[program.ranks]
    launch = ["srun", f"--ntasks={ranks}", "--cpu-bind=cores"] if ranks > 1 else []
    return [*launch, *job.enter, f"{job.programs}/bin/{program.program}"]


def _log(folder: Path, program: Program) -> list[str]:
    """Lines of a program's log, none if it has none."""
    path = folder / program.log
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def _succeeded(program: Program, log: Sequence[str]) -> bool:
    return bool(log) and any(re.search(program.success, line) for line in log)


def main(folder: str, step: Step) -> int:
    """The exit code of the job; what went wrong goes to its log."""
    try:
        execute(Path(folder).resolve(), step)
    except ProgramError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))  # type: ignore[arg-type]
