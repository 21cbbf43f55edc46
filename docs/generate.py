"""Rewrite the sections of README.md and docs/ that follow from the code: `python docs/generate.py`.

A section stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. A test fails if one is out of date.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pipeline.parameters import Parameter, blended, derived
from pipeline.products import parameter_facts as facts
from pipeline.sources import SOURCES
from pipeline.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/architecture.md", "docs/sources.md", "docs/parameters.md")


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(head)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])


def stages() -> str:
    """The table of stages in short."""
    rows = ((f"`{row.name}`", ", ".join(row.needs) or "–", row.shard_rule, _first_line(row.module)) for row in STAGES)
    return _table(("stage", "after", "one shard is", "what it does"), rows)


def stages_in_full() -> str:
    """The table of stages with what a shard needs at production size."""
    rows = (
        (f"`{row.name}`", row.image, row.vcpus, row.memory_mib, row.gpus, row.timeout_seconds, row.retries)
        for row in STAGES
    )
    return _table(("stage", "image", "vCPUs", "MiB", "GPUs", "time limit, s", "retries"), rows)


def _first_line(module: str) -> str:
    """The one-sentence contract of a step, out of its file: importing it would load all of science."""
    text = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    sentence = re.search(r'"""(.+?)(\n\n|""")', text, re.S)
    words = " ".join(sentence.group(1).split()) if sentence else ""
    words = words.partition(": ")[2] or words
    return words[:1].upper() + words[1:]


def sources() -> str:
    """The feeds in short."""
    rows = (
        (f"`{name}`", source.title, source.role, len(source.parameters()), source.licence)
        for name, source in SOURCES.items()
    )
    return _table(("source", "feed", "role", "parameters", "licence"), rows)


def sources_in_full() -> str:
    """The feeds with everything that their declarations say."""
    rows = (
        (
            f"`{name}`", source.title, source.role, f"`{source.bucket or '–'}`", _hours(source.cycles),
            max(leads[-1] for leads in source.leads_by_cycle.values()), f"{source.delay_hours:g}", source.index,
            len(source.members) or "–", len(source.parameters()), source.licence,
        )
        for name, source in SOURCES.items()
    )  # fmt: skip
    head = ("source", "feed", "role", "bucket", "starts, UTC", "to lead, h", "complete after, h", "index", "members",
            "parameters", "licence")  # fmt: skip
    return _table(head, rows)


def _hours(cycles: tuple[int, ...]) -> str:
    return "hourly" if len(cycles) == 24 else " ".join(f"{hour:02d}" for hour in cycles)


def parameter_counts() -> str:
    """How many there are."""
    return _table(("table", "parameters", "of them of no pressure level"), facts.counts())


def consistency_ties() -> str:
    """What consistency makes hold, numbered as the other tables refer to it."""
    rows = (
        (number, relation.name, _names(relation.moved), _names(relation.trusted), _names(relation.words, "<br>"))
        for number, relation in enumerate(facts.relations(), start=1)
    )
    return _table(("tie", "what holds", "gives way", "is trusted", "in detail"), rows)


def blended_parameters() -> str:
    """What sources deliver."""
    head = ("name", "what", "CF standard name", "units", "bounds", "stored to", "kind", "in time", "in space", "blend",
            "ties")  # fmt: skip
    return _by_family(blended(), head, _blended)


def _blended(row: Parameter) -> tuple[str, ...]:
    return *_common(row), row.kind, row.time, row.regrid, row.blend, _ties(row.name)


def derived_parameters() -> str:
    """What is computed from the blend."""
    head = ("name", "what", "CF standard name", "units", "bounds", "stored to", "from", "after", "ties")
    return _by_family(derived(), head, _derived)


def _derived(row: Parameter) -> tuple[str, ...]:
    return *_common(row), _names(facts.inputs(row.name)) or "the hour and the place", row.source, _ties(row.name)


def _by_family(
    rows: Mapping[str, Parameter], head: Iterable[str], cells: Callable[[Parameter], tuple[str, ...]]
) -> str:
    """A table a family, under its title."""
    parts = []
    for kind, group in facts.families(rows).items():
        parts += [f"### `{kind}`: {facts.title(group, kind)}", _table(head, map(cells, group.values()))]
    return "\n\n".join(parts)


def _common(row: Parameter) -> tuple[str, ...]:
    standard_name = row.standard_name or "–"
    return f"`{row.name}`", row.long_name, standard_name, row.units, _bounds(row), f"{row.precision:g}"


def _bounds(row: Parameter) -> str:
    return f"{row.minimum:g} to {row.maximum:g}"


def _ties(name: str) -> str:
    held = facts.ties(name)
    return " ".join(str(number) for number, one in enumerate(facts.relations(), start=1) if one in held)


def _names(names: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names)


def floors() -> str:
    """The layers that import-linter keeps, from the top."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = next(one["layers"] for one in tools["importlinter"]["contracts"] if one["type"] == "layers")
    return "\n".join(f"{number}. " + ", ".join(f"`{name.strip()}`" for name in layer.split("|"))
                     for number, layer in enumerate(layers, start=1))  # fmt: skip


SECTIONS: dict[str, Callable[[], str]] = {
    "stages": stages,
    "floors": floors,
    "stages in full": stages_in_full,
    "sources": sources,
    "sources in full": sources_in_full,
    "parameter counts": parameter_counts,
    "consistency ties": consistency_ties,
    "blended parameters": blended_parameters,
    "derived parameters": derived_parameters,
}


def rewritten(text: str) -> str:
    """`text` with every section brought up to date; KeyError for a section that nothing generates."""

    def section(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- begin {name} -->\n{SECTIONS[name]()}\n<!-- end {name} -->"

    return re.sub(r"<!-- begin ([\w ]+) -->\n.*?<!-- end \1 -->", section, text, flags=re.S)


if __name__ == "__main__":
    for page in PAGES:
        path = ROOT / page
        path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
