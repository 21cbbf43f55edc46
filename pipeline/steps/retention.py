"""Retention: what no later hour needs is removed after as many days as the configuration says."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline import journal, paths
from pipeline.cycle import Cycle
from pipeline.steps import Deployment
from pipeline.steps.skill_store import CARRIED_HOURS


def remove_old(deployment: Deployment, hour: Cycle) -> None:
    """Remove what has outlived its days at `hour`; nothing without a rule, and nothing more the second time.

    Work of an hour that was not published stays as long as inputs do, for it may be resumed; so does of one that is not
    finished what it has noted of customers' files, whose delivery may be resumed. The newest skill, of
    sources and of stations, stays however old it is, for the next hour starts from it, and so does the skill that it
    refers to. Customers' files in this store go with their forecast, and after days of their own.
    """
    rule, store = deployment.config.retention, deployment.store
    before = hour - 24 * rule.input_days if rule.input_days else None
    done = hour - 24 * rule.work_days if rule.work_days else before
    for cycle in _hours(deployment, "work"):
        if before and cycle < before:
            _remove_work(deployment, cycle)
        elif done and cycle < done and store.exists(paths.forecast(cycle, "manifest.json")):
            _remove_work(deployment, cycle, but="" if journal.is_finished(store, cycle) else paths.EXPORTED)
    _remove_exports(deployment, hour)
    if before is None:
        return
    for folder, older in (("skill", CARRIED_HOURS), ("stations", 0)):
        hours = list(_hours(deployment, folder))
        for cycle in hours:
            if cycle < min(before, hours[-1]) - older:
                store.delete(f"{folder}/{cycle}")
    for source in store.list_folders("input"):
        for cycle in _hours(deployment, f"input/{source}"):
            if cycle < before:  # the record first: without it the run is not there
                store.delete(paths.input_record(source, cycle))
                store.delete(paths.input_zarr(source, cycle))


def _remove_work(deployment: Deployment, hour: Cycle, *, but: str = "") -> None:
    """All of it, or its folders other than `but`."""
    whole = paths.work(hour, "").rstrip("/")
    folders = [f"{whole}/{name}" for name in deployment.store.list_folders(whole) if name != but]
    for folder in folders if but else [whole]:
        deployment.store.delete(folder)


def _remove_exports(deployment: Deployment, hour: Cycle) -> None:
    days = deployment.config.retention.export_days
    for customer in deployment.store.list_folders(paths.exports()):
        folder = paths.exports(customer)
        for cycle in _hours(deployment, folder):
            there = deployment.store.exists(paths.forecast(cycle, "manifest.json"))
            if not there or (days and cycle < hour - 24 * days):
                deployment.store.delete(f"{folder}/{cycle}")


def _hours(deployment: Deployment, folder: str) -> Iterator[Cycle]:
    """The hours or cycles that have a folder below `folder`, oldest first."""
    for name in deployment.store.list_folders(folder):
        yield Cycle.parse(name.removesuffix(".zarr"))
