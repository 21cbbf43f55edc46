"""The local Batch gives its machines to lanes as a fair-share queue does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from cdk.lanes import WEIGHTS
from cdk.local.machines import Machines


def order(lanes: Sequence[str], kept: Sequence[str] = ()) -> list[str]:
    """The lanes of jobs that came in this order while no machine was free, as they ran on the one that others leave."""
    machines, ran = Machines(1 + len(kept), WEIGHTS), list[str]()

    def job(lane: str) -> None:
        with machines.one(lane):
            ran.append(lane)

    with ExitStack() as stack:
        for lane in kept:
            stack.enter_context(machines.one(lane))
        with ThreadPoolExecutor(len(lanes)) as threads, machines.one("production"):
            for number, lane in enumerate(lanes, 1):
                threads.submit(job, lane)
                while len(machines._waiting) < number:
                    time.sleep(0.001)
    return ran


def test_production_goes_before_a_flood_and_background_after_it() -> None:
    flood = ["background", *["customeracme"] * 5, "production"]
    assert order(flood) == ["production", *["customeracme"] * 5, "background"]


def test_a_customer_who_floods_shares_with_another() -> None:
    flood = [*["customeracme"] * 3, "customerother"]
    assert order(flood, kept=["customeracme"]) == ["customerother", *["customeracme"] * 3]


def test_a_lane_without_a_share_is_refused() -> None:
    with pytest.raises(KeyError, match="no share 'nobody'"), Machines(1, WEIGHTS).one("nobody"):
        pass
