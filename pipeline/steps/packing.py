"""What is kept of the members, and statistics over them, as whole numbers of 16 bits: half of what has to leave the
device and to be written.

The steps are powers of two that cover a range of values, the catalogue's for members, a quarter of a parameter's
precision or finer, and every packed value is a float32 without any rounding: who unpacks gets the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import blended
from pipeline.sources.fourcastnet import PARAMETERS

if TYPE_CHECKING:
    from torch import Tensor

LEVELS, MIDDLE = 2**16 - 1, 2**15
Array = NDArray[np.float32]


class Packing(NamedTuple):
    """The lowest value and the step of each map, (map, 1, 1)."""

    lowest: Array
    step: Array

    @classmethod
    def of(cls, ranges: Sequence[tuple[float, float]]) -> Packing:
        """That covers the lowest and the highest value of each map."""
        low, high = np.array(ranges, np.float32).T[..., None, None]
        return cls(low, np.asarray(2.0 ** np.ceil(np.log2((high - low) / LEVELS)), np.float32))


MEMBERS = Packing.of([(row.minimum, row.maximum) for row in (blended()[name] for name in PARAMETERS)])


def pack(fields: Tensor, packing: Packing = MEMBERS) -> Tensor:
    """(..., map, latitude, longitude) as int16; what does not fit becomes an end, NaN the lower."""
    import torch

    lowest, step = (torch.as_tensor(values, device=fields.device) for values in packing)
    levels = ((fields - lowest) / step).round().nan_to_num(0).clamp(0, LEVELS)
    return (levels - MIDDLE).to(torch.int16)


def unpack_there(packed: Tensor, packing: Packing = MEMBERS) -> Tensor:
    """The fields again, where they are."""
    import torch

    lowest, step = (torch.as_tensor(values, device=packed.device) for values in packing)
    return (packed.float() + MIDDLE) * step + lowest


def unpack(packed: NDArray[np.int16], packing: Packing = MEMBERS) -> Array:
    """The fields again, on the host. ValueError if they are not packed."""
    if packed.dtype != np.int16:
        raise ValueError(f"expected packed members, int16; found {packed.dtype}: another version made them, start anew")
    return (packed.astype(np.float32) + MIDDLE) * packing.step + packing.lowest


def as_packed(fields: Array, packing: Packing) -> Array:
    """What packing and unpacking makes of fields within the range."""
    return np.asarray(np.round((fields - packing.lowest) / packing.step) * packing.step + packing.lowest)
