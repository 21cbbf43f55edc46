"""Jobs on a real Slurm: they succeed, fail, lose their node, run out of time, are cancelled; and their scripts."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from models.progress import Progress, progress
from pipeline import slurm
from pipeline.slurm import (
    FAILED_LAUNCH,
    FORGOTTEN,
    STEPS,
    Layout,
    SlurmError,
    Status,
    accounted,
    cancel,
    follow,
    layouts,
    release,
    script,
    status,
    submit,
    submit_chain,
)  # fmt: skip
from pipeline.slurm.progress import decide
from tests import slurm_accounting, slurm_cluster

ONE = Layout(partition="", nodes=1, ranks_per_node=1, threads=1, minutes=5, signal_seconds=0, efa=False)


def _end(job: int, *, seconds: float = 60) -> Status:
    return _once(job, lambda now: now.ended or now.held, seconds)


def _running(job: int) -> Status:
    return _once(job, lambda now: now.state == "RUNNING")


def _once(job: int, done: Callable[[Status], bool], seconds: float = 60) -> Status:
    """The job's status as soon as it is such; AssertionError if it is not within the time."""
    until = time.monotonic() + seconds
    while not done(now := status(job)):
        assert time.monotonic() < until, now
        time.sleep(0.1)
    return now


def test_slurm_chain_runs_in_order(long_jobs: object, tmp_path: Path) -> None:
    commands = {step: f"echo {step} >> order" for step in STEPS}
    jobs = submit_chain("core-a", commands, tmp_path, {step: layouts()["core", step] for step in STEPS})
    assert _end(jobs["post"]).state == "COMPLETED"
    assert (tmp_path / "order").read_text().split() == list(STEPS)


def test_slurm_says_how_a_job_failed_and_what_waited_for_it_never_runs(long_jobs: object, tmp_path: Path) -> None:
    failing = submit(script("bad-namelist", "exit 3", ONE), tmp_path)
    after = submit(script("after", "touch ran", ONE), tmp_path, after=[failing])
    failed = _end(failing)
    assert (failed.state, failed.exit_code) == ("FAILED", 3)
    assert _end(after).state == "CANCELLED"
    assert not (tmp_path / "ran").exists()


def test_slurm_hears_how_a_command_in_the_background_failed(long_jobs: object, tmp_path: Path) -> None:
    failed = _end(submit(script("signalled", "exit 4", replace(ONE, signal_seconds=60)), tmp_path))
    assert (failed.state, failed.exit_code) == ("FAILED", 4)


def test_slurm_restarts_a_job_whose_node_went_down(long_jobs: object, tmp_path: Path) -> None:
    command = '[ -e restart ] && echo "went on" > result || { touch restart; sleep 300; }'
    job = submit(script("node-down", command, ONE), tmp_path)
    node = _running(job).nodes
    while not (tmp_path / "restart").exists():
        time.sleep(0.1)
    slurm_cluster.lose(node)
    ended = _end(job)
    assert (ended.state, ended.restarts) == ("COMPLETED", 1)
    assert (tmp_path / "result").read_text() == "went on\n"


def test_slurm_says_what_is_held_and_tries_again_what_no_node_could_start(long_jobs: object, tmp_path: Path) -> None:
    with slurm_cluster.broken("n1", "n2"):
        job = submit(script("unlucky", "touch ran", ONE), tmp_path)
        after = submit(script("after", "true", ONE), tmp_path, after=[job])
        subprocess.run(["scontrol", "hold", str(after)], check=True)
        held = _end(job)
    assert (held.state, held.reason, held.held) == ("PENDING", FAILED_LAUNCH, True)
    assert not (tmp_path / "ran").exists()
    assert release(job)
    assert _end(job).state == "COMPLETED"
    assert not release(job)
    waits = _end(after)
    assert (waits.held, waits.reason) == (True, "JobHeldAdmin")
    assert not release(after)  # whoever holds it has a reason
    cancel(after)
    assert _end(after).state == "CANCELLED"


def test_slurm_accounts_say_what_the_controller_said(long_jobs: object, tmp_path: Path) -> None:
    """Of a job that failed, and of one that was put back: after a day the accounts alone know them."""
    if not slurm_accounting.installed(os.environ["PATH"]):
        pytest.skip("no slurmdbd here: apt-get install slurmdbd mariadb-server")
    failing = submit(script("failing", "exit 3", ONE), tmp_path)
    command = "[ -e again ] || { touch again; scontrol requeue $SLURM_JOB_ID; sleep 300; }"
    again = submit(script("again", command, ONE), tmp_path)
    for job in (failing, again):
        ended, until = _end(job), time.monotonic() + 30
        while accounted(job) != ended:  # the controller sends its records on when it has time
            assert time.monotonic() < until, (accounted(job), ended)
            time.sleep(0.2)
    assert ended.restarts == 1


def test_slurm_cancels(long_jobs: object, tmp_path: Path) -> None:
    job = submit(script("endless", "sleep 300", ONE), tmp_path)
    _running(job)
    cancel(job)
    assert list(follow(job, poll_seconds=0.1))[-1].state == "CANCELLED"


def test_slurm_runs_one_task_a_domain(long_jobs: object, tmp_path: Path) -> None:
    job = submit(script("domains", "touch domain.$SLURM_ARRAY_TASK_ID", ONE, array=2), tmp_path)
    _end(job)
    until = time.monotonic() + 20
    while time.monotonic() < until and len(list(tmp_path.glob("domain.*"))) < 2:
        time.sleep(0.1)
    assert {path.name for path in tmp_path.glob("domain.*")} == {"domain.0", "domain.1"}


def test_slurm_refusals_are_one_line(long_jobs: object, tmp_path: Path) -> None:
    with pytest.raises(SlurmError, match=r"sbatch: .*partition"):
        submit(script("x", "true", replace(ONE, partition="nowhere")), tmp_path)


def test_slurm_keeps_nothing_of_a_chain_of_which_it_refuses_a_part(long_jobs: object, tmp_path: Path) -> None:
    chosen = {step: replace(ONE, partition="nowhere" if step == "run" else "") for step in STEPS}
    with pytest.raises(SlurmError, match="partition"):
        submit_chain("core-refused", dict.fromkeys(STEPS, "sleep 300"), tmp_path, chosen)
    listed = ["squeue", "--noheader", "--name=core-refused-pre", "--states=pending,running", "--format=%i"]
    assert subprocess.run(listed, capture_output=True, text=True, check=True).stdout == ""


def test_slurm_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm, "ANSWER_SECONDS", 0.1)
    with pytest.raises(SlurmError, match=r"sleep: no answer in 0\.1 s"):
        slurm._call(["sleep", "60"])


def test_slurm_knows_no_more_of_a_job_that_neither_controller_nor_accounts_remember(long_jobs: object) -> None:
    known = list(follow(999_999))
    assert [(now.state, now.ended, now.held) for now in known] == [(FORGOTTEN, True, False)]
    assert not release(999_999)


@pytest.mark.parametrize("key", sorted(layouts()))
def test_slurm_layouts_fill_a_node_and_not_more(key: tuple[str, str]) -> None:
    layout = layouts()[key]  # type: ignore[index]
    assert layout.ranks_per_node * layout.threads <= 192
    if layout.efa and key[1] == "run":
        assert layout.ranks_per_node * layout.threads == 192
    text = script("a", "true", layout)
    assert ("FI_PROVIDER=efa" in text) == layout.efa
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


@pytest.mark.parametrize(("name", "command"), [("a b", "true"), ("a", ""), ("a", "x\n#SBATCH --uid=0"), ("$(x)", "y")])
def test_slurm_scripts_take_no_other_lines(name: str, command: str) -> None:
    with pytest.raises(ValueError, match=r"expected (a name|one line)"):
        script(name, command, ONE)


WRF_LOG = """\
Timing for Writing wrfout_d01_2005-08-28_00:00:00 for domain        1:    2.00000 elapsed seconds
Timing for main: time 2005-08-28_00:00:36 on domain   1:    9.00000 elapsed seconds
Timing for main: time 2005-08-28_00:00:12 on domain   2:    0.20000 elapsed seconds
d01 2005-08-28_00:01:12  3 points exceeded cfl=2 in domain d01 at time 2005-08-28_00:01:12 hours
Timing for main: time 2005-08-28_00:01:12 on domain   1:    0.60000 elapsed seconds
Timing for Writing wrfout_d01_2005-08-28_00:01:12 for domain        1:    0.40000 elapsed seconds
Timing for main: time 2005-08-28_00:01:48 on domain   1:    0.50000 elapsed seconds
"""


def test_slurm_progress_is_read_from_the_logs_of_all_models() -> None:
    wrf = progress("wrf", WRF_LOG.splitlines())
    assert wrf == Progress(datetime(2005, 8, 28, 0, 1, 48), 72, pytest.approx(1.5), 1)
    again = progress("wrf", (WRF_LOG + WRF_LOG).splitlines())
    assert again == wrf  # a new attempt begins anew
    mpas = [
        " Begin timestep 2017-01-11_00:12:00", " Timing for integration step:   1.5 s",
        " Begin timestep 2017-01-11_00:24:00", " Timing for integration step:   1.5 s",
    ]  # fmt: skip
    assert progress("mpas", mpas) == Progress(datetime(2017, 1, 11, 0, 24), 720, 3.0, 0)
    ww3 = [f"  WAVEWATCH III calculating for 2011/09/01 0{hour}:00:00 UTC" for hour in (0, 1, 2)]
    assert progress("ww3", ww3, 30.0) == Progress(datetime(2011, 9, 1, 2), 7200, 30.0, 0)
    assert progress("wrf", ["nothing yet"]) is None


@pytest.mark.parametrize(
    ("speed", "minutes", "unstable", "wait"),
    [(60, 30, 0, True), (20, 30, 0, False), (60, 30, 500, False), (60, 0, 0, False)],
)
def test_slurm_run_is_waited_for_only_if_it_makes_the_hour(speed: int, minutes: int, unstable: int, wait: bool) -> None:
    now = Progress(datetime(2026, 1, 1), 3600.0 * speed, 3600.0, unstable)
    decision = decide(now, datetime(2026, 1, 2), timedelta(minutes=minutes))  # 24 hours to go
    assert decision.wait == wait
    assert decision.reason
    assert decide(None, datetime(2026, 1, 2), timedelta(minutes=1)).wait


def test_slurm_puts_a_job_back_before_its_time_is_up(long_jobs: dict[str, int]) -> None:
    ended = _end(long_jobs["put-back"], seconds=90)
    assert (ended.state, ended.restarts) == ("COMPLETED", 1)


def test_slurm_ends_a_job_at_its_time_limit(long_jobs: dict[str, int]) -> None:
    assert _end(long_jobs["too-long"], seconds=150).state == "TIMEOUT"
