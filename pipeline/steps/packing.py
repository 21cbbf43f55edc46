"""What is kept of the members as whole numbers of 16 bits: half of what has to leave the device and to be written.

The steps are powers of two that cover the catalogue's range, a quarter of a parameter's precision or finer, and every
packed value is a float32 without any rounding: who unpacks gets the same everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters import blended
from pipeline.sources.fourcastnet import PARAMETERS

if TYPE_CHECKING:
    from torch import Tensor

LEVELS, MIDDLE = 2**16 - 1, 2**15
_LOWEST = np.array([blended()[name].minimum for name in PARAMETERS], np.float32)[:, None, None]
_RANGE = np.array([blended()[name].maximum for name in PARAMETERS], np.float32)[:, None, None] - _LOWEST
STEP = np.asarray(2.0 ** np.ceil(np.log2(_RANGE / LEVELS)), np.float32)


def pack(fields: Tensor) -> Tensor:
    """(..., parameter, latitude, longitude) PARAMETERS as int16; what does not fit becomes an end, NaN the lower."""
    import torch

    lowest, step = (torch.as_tensor(values, device=fields.device) for values in (_LOWEST, STEP))
    levels = ((fields - lowest) / step).round().nan_to_num(0).clamp(0, LEVELS)
    return (levels - MIDDLE).to(torch.int16)


def unpack_there(packed: Tensor) -> Tensor:
    """The fields again, where they are."""
    import torch

    lowest, step = (torch.as_tensor(values, device=packed.device) for values in (_LOWEST, STEP))
    return (packed.float() + MIDDLE) * step + lowest


def unpack(packed: NDArray[np.int16]) -> NDArray[np.float32]:
    """The fields again, on the host. ValueError if they are not packed."""
    if packed.dtype != np.int16:
        raise ValueError(f"expected packed members, int16; found {packed.dtype}: another version made them, start anew")
    return (packed.astype(np.float32) + MIDDLE) * STEP + _LOWEST
