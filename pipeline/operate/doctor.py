"""What `hourcast doctor` does: every check of a deployment, a line each."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipeline import doctor
from pipeline.cycle import Cycle
from pipeline.doctor import Finding
from pipeline.doctor import cloud as doctor_cloud
from pipeline.operate import open_deployment

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def show_findings(config: Path, cycle: str | None) -> bool:
    """Print what is right and wrong with a deployment; False if a check failed, ValueError for a malformed cycle."""
    findings = examine(config, _hour(cycle))
    console = Console(soft_wrap=True, highlight=False)
    for finding in findings:
        console.print(Text.assemble((f"{finding.verdict:<8}", _STYLES[finding.verdict]), str(finding)))
    return all(finding.verdict != "failed" for finding in findings)


def _hour(cycle: str | None) -> Cycle:
    if cycle is not None:
        return Cycle.parse(cycle)
    return Cycle(datetime.now(UTC).replace(minute=0, second=0, microsecond=0))


def examine(config: Path, hour: Cycle) -> list[Finding]:
    """Every finding, feeds looked for as of the hour; the configuration's alone if it cannot be used."""
    try:
        deployment = open_deployment(config)
    except (ValueError, OSError) as error:
        advice = "examples/production.yaml is a commented example"
        return [Finding("configuration", "failed", str(error), "one that can be used", advice)]
    usable = Finding("configuration", "ok", f"{config}, {len(deployment.config.sources)} sources")
    return [usable, *doctor.examine(deployment, hour), *doctor_cloud.examine(deployment)]
