"""Measure how far derived parameters are from independent codes, for docs/referees.md: `python docs/referees.py`.

Runs the tests that compare them, a minute's work, and tabulates the worst differences that they met.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("NUMBA_NUM_THREADS", "1")  # as the tests want it, before numba is there

from pipeline import parameters  # noqa: E402
from pipeline.science.derive.catalogue import FORMULAS  # noqa: E402
from tests.science.referee import VERDICTS, Verdict  # noqa: E402

TESTS = ROOT / "tests" / "science"
PAGE = ROOT / "docs" / "referees.md"
CALLS = re.compile(r"\b(agrees|judge|judge_values)\(")
HEAD = """# Referees

The worst difference of each derived parameter to an independent code, in the parameter's units, and the range in
which that was looked for. Made by `python docs/referees.py`, which runs the tests that hold each to its tolerance;
where it is large, the test says why: two formulas of one quantity, such as psychrometric and adiabatic wet bulbs, winds
weighted by height and by pressure. "NumPy" or "SciPy" with a source is that source's formula or table, written again in
float64 and apart from the code, in `tests/science/derive/test_transcribed_*.py`; by default it has to agree within the
precision at which the parameter is stored.

| parameter | units | referee | worst difference | of values |
|---|---|---|---|---|
"""


def lines() -> Iterator[str]:
    """The page, line by line, of the verdicts that the tests have left."""
    rows = parameters.derived()
    judged = sorted((one for one in VERDICTS if one.parameter in rows), key=lambda one: list(rows).index(one.parameter))
    yield HEAD + "\n".join(_row(one) for one in judged)
    names = {one.parameter for one in judged}
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(TESTS.rglob("test_*.py")))
    tested = [name for name in rows if name not in names and _mentioned(name, text)]
    rest = [name for name in rows if name not in names and name not in tested]
    yield f"\nOf {len(rows)} derived parameters {len(names)} have such a referee. The others are estimates of our own"
    yield "after the papers that they name, held in `tests/science/` to worked examples and physics:"
    yield f"{', '.join(f'`{name}`' for name in tested)}. Without either, held only to what all are held to,"
    yield f"bounds and the same values in any chunk: {', '.join(rest) or 'none'}."


def _row(one: Verdict) -> str:
    units = parameters.parameter(one.parameter).units
    return f"| `{one.parameter}` | {units} | {one.referee} | {one.worst:.2g} | {one.low:.3g} to {one.high:.3g} |"


def _mentioned(name: str, text: str) -> bool:
    """Whether a test calls the formula, or names the parameter."""
    function = FORMULAS[name].compute.__name__ if name in FORMULAS else name
    return any(re.search(rf"\b{word}\b", text) for word in (name, function))


if __name__ == "__main__":
    callers = [str(path) for path in TESTS.rglob("test_*.py") if CALLS.search(path.read_text(encoding="utf-8"))]
    if pytest.main([*callers, "-q", "-p", "no:cacheprovider"]):
        sys.exit("a referee does not agree; nothing was written")
    PAGE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
