"""ecCodes and PROJ in one interpreter: some ecCodes wheels bring a PROJ of their own that breaks pyproj's."""

from __future__ import annotations

import subprocess
import sys

import pytest

USE_ECCODES = "import eccodes; eccodes.codes_release(eccodes.codes_grib_new_from_samples('GRIB2'))"
USE_PROJ = "import pyproj; assert pyproj.Transformer.from_crs(4326, 3857).transform(1, 1)[0] > 100_000"


@pytest.mark.parametrize("first", ["eccodes", "pyproj"])
def test_eccodes_and_pyproj_live_together_in_either_order(first: str) -> None:
    statements = [USE_ECCODES, USE_PROJ] if first == "eccodes" else [USE_PROJ, USE_ECCODES]
    done = subprocess.run([sys.executable, "-c", "\n".join(statements)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"install eccodes==2.42.0 (constraints.txt says why)\n{done.stderr[-500:]}"
