"""What containers install is pinned by hashes, at the versions of constraints.txt."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from cdk.functions import JOBS

ROOT = Path(__file__).resolve().parents[2]
LOCK = runpy.run_path(str(ROOT / "containers" / "lock.py"))
WANTED, PROCESSORS = LOCK["requirements"](), LOCK["PROCESSORS"]
CONTAINERS = tuple(WANTED)


def named(requirement: str) -> str:
    """The package of a requirement, as registries spell it."""
    return re.split(r"[\[>=<~! ;]", requirement)[0].lower().replace("_", "-")


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return {named(name): version.split()[0] for name, _, version in pinned}


@pytest.mark.parametrize("folder", WANTED)
def test_a_lock_has_all_that_is_wanted_with_hashes_at_the_versions_that_were_tested(folder: str) -> None:
    lines = (ROOT / "containers" / folder / "requirements.lock").read_text(encoding="utf-8").splitlines()[1:]
    found = [re.fullmatch(r"([\w.-]+)==([\w.+]+)((?: --hash=sha256:[0-9a-f]{64})+)", line) for line in lines]
    assert all(found)
    files = {match[1]: match[3].split() for match in found if match}
    assert max(map(len, files.values())) == len(PROCESSORS[folder]), "a file for each processor, where it is compiled"
    assert all(len({*hashes}) == len(hashes) for hashes in files.values())
    locked = {match[1]: match[2] for match in found if match}
    assert {named(requirement) for requirement in WANTED[folder]} <= set(locked), "run `python containers/lock.py`"
    tested = constraints()
    assert {name: version for name, version in locked.items() if tested.get(name, version) != version} == {}


def test_every_image_of_the_stages_has_a_container() -> None:
    assert {row.image for row in JOBS} <= {*CONTAINERS}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_copies_what_is_there_and_installs_by_hash(name: str) -> None:
    text = (ROOT / "containers" / name / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.M):
        assert all((ROOT / source).exists() for source in line.split()[:-1]), line
    assert "--require-hashes" in text
