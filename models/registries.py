"""Renew the table of namelists from the models' registries: `python -m models.registries MODEL RELEASE CHECKOUT`.

`registries.csv` says where a model declares the variables of its namelists: WRF in lines `rconfig` of its Registry,
MPAS in XML, WPS and WAVEWATCH III in the Fortran that reads them. Of a variable that a registry declares, its type and
whether it takes many values are the registry's, and its range and choices where the registry has any; `source` says in
which file of which release it was found. What no registry declares stays as it was. MODEL is wrf, wps, mpas or ww3.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from models.registries_fortran import declared_in_fortran

_HERE = Path(__file__).parent
_TABLE, _REGISTRIES = _HERE / "namelists.csv", _HERE / "registries.csv"
_COLUMNS = ("file", "group", "name", "type", "many", "minimum", "maximum", "choices", "source")
SCHEMES = frozenset(
    {"mp_physics", "ra_lw_physics", "ra_sw_physics", "sf_sfclay_physics", "sf_surface_physics", "bl_pbl_physics",
     "cu_physics", "shcu_physics"}
)  # fmt: skip
"""Options of WRF of which every legal value is a package; a package of another option only asks for memory."""
_WITHOUT_PACKAGE = {"-1", "0"}
"""As the suite of physics says, and none."""
_LEAST_POSITIVE = {"integer": "1", "real": "1e-09"}
_NUMBER = r"(-?\d+(?:\.\d+)?)"


@dataclass(frozen=True)
class Declared:
    """What a registry says of a variable; empty where it says nothing. Texts as in the table."""

    type: str
    many: bool
    minimum: str = ""
    maximum: str = ""
    choices: str = ""


Declarations = dict[tuple[str, str], Declared]
"""By group and name, both in lower case."""


def declared_in_rconfig(text: str) -> Declarations:
    """Variables of WRF's Registry: lines of type, name, how it is set, number of entries and default."""
    lines = [line.split() for line in text.splitlines()]
    packages: dict[str, set[str]] = {}
    for words in (words for words in lines if words[:1] == ["package"]):
        option, _, value = words[2].partition("==")
        packages.setdefault(option, set(_WITHOUT_PACKAGE)).add(value)
    found: Declarations = {}
    for words in (words for words in lines if words[:1] == ["rconfig"]):
        kind, name, (way, _, group) = words[1], words[2].lower(), words[3].partition(",")
        values = sorted(packages.get(name, ()), key=int) if name in SCHEMES else []
        if way == "namelist":
            found.setdefault((group, name), Declared(kind, words[4] != "1", choices="|".join(values)))
    return found


def declared_in_xml(text: str) -> Declarations:
    """Variables of MPAS's Registry.xml, with what its possible values say of range and choices."""
    root = ElementTree.fromstring(f"<all>{re.sub(r'<[?].*?[?]>', '', text)}</all>")
    return {
        (record.attrib["name"].lower(), option.attrib["name"].lower()): _option(option.attrib)
        for record in root.iter("nml_record")
        for option in record.iter("nml_option")
    }


def _option(option: Mapping[str, str]) -> Declared:
    kind, words = option["type"], option.get("possible_values", "")
    quoted = list(dict.fromkeys(re.findall(r"[`']+([^`']*)[`']", words)))
    if kind == "character":
        # A form such as YYYY-MM-DD stands for more than can be listed.
        named = all(re.fullmatch(r"[\w-]+", word) and "YYYY" not in word for word in quoted)
        return Declared(kind, False, choices="|".join(quoted).lower() if named else "")
    if kind == "integer" and re.fullmatch(r"\d+(\s*(,|or|, or)\s*\d+)*", words):
        return Declared(kind, False, choices="|".join(re.findall(r"\d+", words)))
    return Declared(kind, False, *_range(kind, words, option["default_value"]))


def _range(kind: str, words: str, default: str) -> tuple[str, str]:
    """A default of zero is legal whatever the words say."""
    between = rf"{_NUMBER} *(?:\$\\leq\$ *\w+ *\$\\leq\$|--|,) *{_NUMBER}\)?$"
    if both := re.search(between, words.split(", standard")[0]):
        return both[1], both[2]
    if words.startswith("Positive") and kind in _LEAST_POSITIVE:
        return (_LEAST_POSITIVE[kind] if float(default) > 0 else "0"), ""
    least = re.match(rf"(?:Integer valued, )?{_NUMBER} *\$\\leq\$", words)
    return ("0" if words.startswith("Non-negative") else least[1] if least else ""), ""


def _declared_in_fortran(text: str) -> Declarations:
    return {key: Declared(kind, many) for key, (kind, many) in declared_in_fortran(text).items()}


_PARSERS: Mapping[str, Callable[[str], Declarations]] = {
    "rconfig": declared_in_rconfig, "xml": declared_in_xml, "fortran": _declared_in_fortran,
}  # fmt: skip


def declared_by(model: str, release: str, checkout: Path) -> Iterator[tuple[tuple[str, str, str], Declared, str]]:
    """What the registries of a model in a checkout declare: file, group and name; what; in which file and release."""
    for row in _read(_REGISTRIES):
        path = checkout / row["path"]
        if row["model"] == model and path.exists():
            for (group, name), declared in _PARSERS[row["format"]](path.read_text()).items():
                if group in row["groups"].split() or not row["groups"]:
                    yield (row["file"], group, name), declared, f"{path.name}@{release}"


def renewed(
    rows: list[dict[str, str]], found: Iterator[tuple[tuple[str, str, str], Declared, str]]
) -> list[dict[str, str]]:
    """The rows of the table after what was found; ranges and choices are kept where the registry has none."""
    table = {(row["file"], row["group"], row["name"]): row for row in rows}
    for key, declared, source in found:
        row = table.setdefault(key, dict(zip(_COLUMNS, key, strict=False)))
        row |= {"type": declared.type, "many": "yes" if declared.many else "", "source": source}
        row |= {name: value for name in ("minimum", "maximum", "choices") if (value := getattr(declared, name))}
    return [{name: row.get(name, "") for name in _COLUMNS} for _, row in sorted(table.items())]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(model: str, release: str, checkout: str) -> None:
    """Renew the table by one model, and say what has changed."""
    before = _read(_TABLE)
    after = renewed([dict(row) for row in before], declared_by(model, release, Path(checkout)))
    with _TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(after)
    known = {(row["file"], row["group"], row["name"]): row for row in before}
    for row in after:
        old = known.get((row["file"], row["group"], row["name"]))
        for name in _COLUMNS[3:-1]:
            if old is not None and old[name] != row[name]:
                print(f"{row['file']}: {row['name']}: {name} is {row[name] or 'none'}, was {old[name] or 'none'}")
    print(f"{len(after) - len(before)} new of {len(after)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
