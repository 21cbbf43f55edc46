"""Packed fields are the fields, far within the catalogue's precision, wherever they are unpacked."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pipeline.parameters import blended  # noqa: E402
from pipeline.sources.fourcastnet import PARAMETERS  # noqa: E402
from pipeline.steps.packing import MEMBERS, as_packed, pack, unpack, unpack_there  # noqa: E402

ROWS = [blended()[name] for name in PARAMETERS]
LOW, HIGH, PRECISION = (
    np.array([getattr(row, name) for row in ROWS], np.float32)[:, None, None]
    for name in ("minimum", "maximum", "precision")
)


def test_the_whole_range_comes_back_within_a_quarter_of_the_precision() -> None:
    share = np.linspace(0, 1, 10_001, dtype=np.float32).reshape(1, 73, 137)
    fields = LOW + share * (HIGH - LOW)
    packed = pack(torch.as_tensor(fields))
    assert packed.dtype == torch.int16
    found = unpack(packed.numpy())
    assert (np.abs(found - fields.astype(np.float64)) <= PRECISION / 4).all()
    np.testing.assert_array_equal(unpack_there(packed).numpy(), found)
    np.testing.assert_array_equal(as_packed(fields, MEMBERS), found)
    np.testing.assert_array_equal(pack(torch.as_tensor(found)), packed)  # nothing is lost twice


def test_fields_that_are_not_packed_are_refused() -> None:
    with pytest.raises(ValueError, match="found float32"):
        unpack(np.zeros((len(ROWS), 2, 3), np.float32))  # type: ignore[arg-type]


def test_what_cannot_be_packed_becomes_an_end_and_does_not_wrap() -> None:
    for low in (-1e9, -np.inf, np.nan):
        np.testing.assert_array_equal(unpack(pack(torch.full((len(ROWS), 1, 1), low)).numpy()), LOW)
    for high in (1e9, np.inf):
        assert (unpack(pack(torch.full((len(ROWS), 1, 1), high)).numpy()) >= HIGH).all()
