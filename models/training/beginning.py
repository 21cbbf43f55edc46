"""Where training begins: a network that leaves the state as it is, as far as its tokens can hold it.

The network has no way around its tokens, and learning to keep still would take most of the training.
"""

from __future__ import annotations

import numpy as np
import torch

from models.afno import Afno
from models.emulator import STEP_HOURS
from models.sun import CHANNELS
from models.training.data import Reanalysis

TOKEN_SIZE = 20.0
"""Root mean square of a token: what changes in a step is some hundredths of the state, and then about 1."""
FILTER_GAIN = 0.7
"""Size of what a layer of a filter makes of waves of size 1. With weights of 0, or of the 0.02 that is usual where a
block has hundreds of features, all that it makes is below the threshold of its shrinking, which has no gradient there:
such a filter never learns."""
_STATES = 64  # that the principal components are taken from


def keep_still(network: Afno, data: Reanalysis) -> None:
    """Let tokens be the leading principal components of patches, errors weighted by a variable's change in a step."""
    shape, places = network.shape, np.arange(0, len(data.states), max(len(data.states) // _STATES, 1))
    told = data.sun(places, STEP_HOURS)
    of_sun = [float(np.diff(told, axis=1).std())] * CHANNELS
    change = np.repeat(np.append(data.change.astype(np.float64), of_sun), shape.patch**2)
    chosen = np.concatenate([data.states[places], told], 1)
    rows, columns = shape.rows // shape.patch, shape.columns // shape.patch
    patches = chosen.reshape(len(chosen), shape.channels, rows, shape.patch, columns, shape.patch)
    weighted = patches.transpose(0, 2, 4, 1, 3, 5).reshape(-1, len(change)) / change
    values, vectors = np.linalg.eigh(weighted.T @ weighted / len(weighted))
    leading = vectors[:, ::-1][:, : shape.width].T  # (feature, point of a patch)
    size = np.sqrt(values[::-1][: shape.width].mean()) / TOKEN_SIZE
    if len(leading) < shape.width:  # more features than points
        leading = np.concatenate([leading, np.zeros((shape.width - len(leading), len(change)))])
    with torch.no_grad():
        proj = network.patch_embed.proj
        proj.weight.copy_(torch.as_tensor((leading / change / size).reshape(proj.weight.shape)))
        proj.get_parameter("bias").zero_()
        network.pos_embed.zero_()
        head = (leading * change * size).reshape(shape.width, shape.channels, -1).transpose(2, 1, 0)
        network.head.weight.copy_(torch.as_tensor(head.reshape(network.head.weight.shape)))
        for block in network.blocks:  # a filter adds what it sees, so at first it sees nothing
            for name in ("norm1.weight", "mlp.fc2.weight", "filter.b1", "filter.b2"):
                block.get_parameter(name).zero_()
            for name in ("filter.w1", "filter.w2"):
                weights = block.get_parameter(name)
                weights.normal_(std=FILTER_GAIN * (2 * weights.shape[-2]) ** -0.5)
