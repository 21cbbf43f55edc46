from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
import yaml

import pipeline

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
GENERATOR = runpy.run_path(str(ROOT / "docs" / "generate.py"))


@pytest.mark.parametrize("page", GENERATOR["PAGES"])
def test_generated_sections_are_up_to_date(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- begin " in text
    assert GENERATOR["rewritten"](text) == text, "run `python docs/generate.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_the_text_exist(page: Path) -> None:
    for name in re.findall(
        r"`((?:pipeline|models|tests|docs|examples|bench)/[\w./]+)`", page.read_text(encoding="utf-8")
    ):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_every_fault_is_shown_by_tests_that_exist_and_every_test_of_faults_is_told_of() -> None:
    named = set(
        re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", (ROOT / "docs" / "faults.md").read_text(encoding="utf-8"))
    )
    assert len(named) > 20
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"docs/faults.md names {file}::{test}"
    for file in ("tests/cloud/test_faults.py", "tests/cloud/test_store_faults.py"):
        tests = set(re.findall(r"^def (test_\w+)\(", (ROOT / file).read_text(encoding="utf-8"), re.M))
        assert tests <= {test for place, test in named if place == file}


def test_every_direct_dependency_is_explained_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.split(r"[\[>=<~! ]", item)[0] for items in lists for item in items}
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Dependencies")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")][2:]
    explained = {name.strip() for cell in cells for name in re.sub(r"\*\w+:\*", "", cell).split(",")}
    assert explained == declared


def test_citation_names_the_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == pipeline.__version__
    assert citation["license"] == "Apache-2.0"


def test_readme_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)):
        assert re.search(rf"^{target}:", makefile, re.M), f"README names `make {target}`"
