"""Which ends of a job let Batch run it again, and what one in the background has."""

from __future__ import annotations

import pytest

from cdk.jobs import BACKGROUND_JOBS, job_definition
from cdk.local.batch_jobs import is_repeated
from pipeline.runner.worker import Exit
from pipeline.stages import stage


@pytest.mark.parametrize(
    ("exit_code", "killed_for", "repeated"),
    [
        (Exit.MAY_PASS, "", True),
        (Exit.WOULD_FAIL_AGAIN, "", False),
        (Exit.BAD_INPUT, "", False),
        (-9, "", True),
        (-9, "OutOfMemoryError: Container killed due to memory usage", True),
        (-9, "another reason", False),
    ],
    ids=["may-pass", "would-fail-again", "bad-input", "spot", "memory", "other"],
)
def test_a_job_is_repeated_if_its_failure_may_pass(exit_code: int, killed_for: str, repeated: bool) -> None:
    defined = job_definition(stage("learn"), name="learn", image="image", environment={})
    rules = [
        {key[0].lower() + key[1:]: value for key, value in rule.items()}
        for rule in defined["RetryStrategy"]["EvaluateOnExit"]
    ]
    assert len(rules) <= 5, "Batch takes no more"
    assert is_repeated(rules, exit_code, killed_for) is repeated


def test_an_hour_in_the_background_has_what_its_bands_need() -> None:
    (work,) = (work for work in BACKGROUND_JOBS if work.row.name == "rerun")
    workers, band = int(work.command[work.command.index("--workers") + 1]), stage("forecast")
    assert (work.row.vcpus, work.row.memory_mib) == (workers * band.vcpus, workers * band.memory_mib)
