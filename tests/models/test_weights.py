"""Packages of weights: what is written is what is read, and nothing else is."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models import weights  # noqa: E402
from models.inputs import SHIPPED, inputs_of  # noqa: E402
from tests.models.random_package import MEAN, SCALE, VARIABLES, random_package  # noqa: E402


def test_what_is_written_is_read(tmp_path: Path) -> None:
    checksum = random_package(tmp_path)
    package = weights.read(tmp_path, [checksum])
    assert package.variables == VARIABLES
    np.testing.assert_array_equal(package.mean, MEAN)
    np.testing.assert_array_equal(package.scale, SCALE)
    assert package.network.shape.rows == 12


def test_the_same_weights_are_the_same_bytes(tmp_path: Path) -> None:
    assert random_package(tmp_path / "a") == random_package(tmp_path / "b") != random_package(tmp_path / "c", seed=1)


def test_weights_that_are_not_on_the_list_are_not_opened(tmp_path: Path) -> None:
    random_package(tmp_path)
    with pytest.raises(ValueError, match="weights_sha256"):
        weights.read(tmp_path, ["0" * 64])


def test_corrupt_weights_are_found_by_their_checksum(tmp_path: Path) -> None:
    checksum = random_package(tmp_path)
    data = bytearray((tmp_path / weights.WEIGHTS).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / weights.WEIGHTS).write_bytes(bytes(data))
    with pytest.raises(ValueError, match="fetch the package again"):
        weights.read(tmp_path, [checksum])


def test_an_incomplete_package_says_what_is_missing(tmp_path: Path) -> None:
    checksum = random_package(tmp_path)
    (tmp_path / "global_stds.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"global_stds\.npy"):
        weights.read(tmp_path, [checksum])


def test_a_grid_that_is_not_the_networks_is_named(tmp_path: Path) -> None:
    checksum = random_package(tmp_path)
    known = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(known | {"rows": 13}))
    with pytest.raises(ValueError, match="says 13 x 24 and the weights are for 12 x 24 points"):
        weights.read(tmp_path, [checksum])


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code in weights was run')",)


def test_code_in_weights_is_not_run(tmp_path: Path) -> None:
    random_package(tmp_path)
    path = tmp_path / weights.WEIGHTS
    with zipfile.ZipFile(path) as archive:
        arguments = archive.read("args.json")
    buffer = io.BytesIO()
    torch.save({"weight": _Malicious()}, buffer)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.pt", buffer.getvalue())
        archive.writestr("args.json", arguments)
    with pytest.raises(ValueError, match="holds no weights"):
        weights.read(tmp_path, [weights.checksum(tmp_path)])


def test_the_shipped_model_is_small_and_allowed() -> None:
    package = weights.read(SHIPPED, [weights.shipped_checksum()])
    inputs = inputs_of("shipped")
    assert package.variables == inputs.variables
    assert (package.network.shape.rows, package.network.shape.columns) == (inputs.rows, inputs.columns)
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 1_000_000
