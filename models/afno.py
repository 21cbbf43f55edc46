"""The adaptive Fourier neural operator behind FourCastNet, as fast as we can make it and no other in its arithmetic.

Parameters carry the names of NVIDIA's physicsnemo, so that one file of weights serves both; a test holds the two
together. The filter drops the higher half of the zonal waves: they are never computed here.
Guibas 2022, https://arxiv.org/abs/2111.13587; Pathak 2022, https://arxiv.org/abs/2202.11214.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """What an AFNO is built of; `patch` grid points square make one token of `width` features."""

    rows: int
    columns: int
    channels: int
    patch: int = 4
    width: int = 128
    depth: int = 4
    blocks: int = 8
    sparsity: float = 0.01

    def __post_init__(self) -> None:
        if self.rows % self.patch or self.columns % self.patch or self.width % self.blocks:
            raise ValueError(f"expected patches that tile the grid and blocks that divide the width; found {self}")

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> Shape:
        """From the arguments that physicsnemo stores beside its weights."""
        rows, columns = arguments["inp_shape"]
        patch = arguments.get("patch_size", [16, 16])
        if patch[0] != patch[1] or arguments["in_channels"] != arguments["out_channels"]:
            raise ValueError(f"expected square patches and as many channels out as in; found {arguments}")
        if arguments.get("mlp_ratio", 4.0) != 4.0 or arguments.get("hard_thresholding_fraction", 1.0) != 1.0:
            raise ValueError(f"expected mlp_ratio 4 and hard_thresholding_fraction 1; found {arguments}")
        return cls(
            rows, columns, arguments["in_channels"], patch[0], arguments.get("embed_dim", 256),
            arguments.get("depth", 4), arguments.get("num_blocks", 16), arguments.get("sparsity_threshold", 0.01),
        )  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        """The same as physicsnemo's arguments."""
        values = asdict(self)
        return {
            "inp_shape": [values["rows"], values["columns"]],
            "in_channels": values["channels"],
            "out_channels": values["channels"],
            "patch_size": [values["patch"], values["patch"]],
            "embed_dim": values["width"],
            "depth": values["depth"],
            "num_blocks": values["blocks"],
            "sparsity_threshold": values["sparsity"],
        }


class Filter(nn.Module):
    """The same small network at every wave, which mixes features; equation 5 of Guibas 2022."""

    def __init__(self, width: int, blocks: int, sparsity: float) -> None:
        super().__init__()
        size = width // blocks
        self.w1, self.w2 = (nn.Parameter(0.02 * torch.randn(2, blocks, size, size)) for _ in range(2))
        self.b1, self.b2 = (nn.Parameter(0.02 * torch.randn(2, blocks, size)) for _ in range(2))
        self.blocks, self.sparsity = blocks, sparsity

    def forward(self, x: Tensor) -> Tensor:
        """(batch, row, column, feature) to the same."""
        batch, rows, columns, width = x.shape
        with torch.autocast(x.device.type, enabled=False):  # which would round waves to 16 bits
            east, south, back = _transforms(rows, columns, x.device)
            kept = len(east) // 2
            waves = torch.matmul(east, x.float()).reshape(batch, rows, 2, kept, width).transpose(1, 2)
            waves = torch.matmul(south, waves.reshape(batch, 2 * rows, kept * width))
        shape = (batch, 2, rows, kept, self.blocks, width // self.blocks)
        parts = waves.reshape(shape).permute(4, 0, 2, 3, 1, 5).reshape(self.blocks, -1, 2 * width // self.blocks)
        hidden = functional.relu(torch.baddbmm(_bias(self.b1), parts, _complex(self.w1)))
        out = functional.softshrink(torch.baddbmm(_bias(self.b2), hidden, _complex(self.w2)), self.sparsity)
        waves = out.float().reshape(self.blocks, batch, rows, kept, 2, -1).permute(1, 4, 2, 3, 0, 5)
        with torch.autocast(x.device.type, enabled=False):
            waves = torch.matmul(south.T, waves.reshape(batch, 2 * rows, kept * width))
            waves = waves.reshape(batch, 2, rows, kept, width).transpose(1, 2).reshape(batch, rows, 2 * kept, width)
            return torch.matmul(back, waves).to(x.dtype) + x


@cache  # kept: CUDA graphs read them where they lie
@torch.inference_mode(False)  # training may use them later
def _transforms(rows: int, columns: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Orthonormal discrete Fourier transforms as real matrices: for so few points and waves faster than an FFT.

    The lowest zonal waves of a row, real parts before imaginary ones; the meridional waves of those, whose transposed
    matrix leads back; and rows from zonal waves.
    """
    kept = min(rows, columns) // 2 + 1
    points = np.arange(max(rows, columns))
    zonal = 2 * np.pi / columns * np.outer(points[:kept], points[:columns])
    meridional = 2 * np.pi / rows * np.outer(points[:rows], points[:rows])
    east = np.concatenate([np.cos(zonal), -np.sin(zonal)]) / np.sqrt(columns)
    south = np.block([[np.cos(meridional), np.sin(meridional)], [-np.sin(meridional), np.cos(meridional)]])
    once = (points[:kept] == 0) | (2 * points[:kept] == columns)  # the others stand for their conjugates, too
    back = east.T * np.tile(np.where(once, 1, 2), 2)
    return tuple(
        torch.as_tensor(matrix, dtype=torch.float32, device=device) for matrix in (east, south / np.sqrt(rows), back)
    )


def _complex(weights: Tensor) -> Tensor:
    """(2, block, in, out) as the real matrices (block, 2 in, 2 out) that multiply real parts beside imaginary ones."""
    real, imaginary = weights
    return torch.cat([torch.cat([real, imaginary], 2), torch.cat([-imaginary, real], 2)], 1)


def _bias(bias: Tensor) -> Tensor:
    return torch.cat([bias[0], bias[1]], 1)[:, None]


class Mlp(nn.Module):
    """Two layers with four times the features between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., feature) to the same."""
        return torch.as_tensor(self.fc2(functional.gelu(self.fc1(x))))


class Block(nn.Module):
    """Filter and network, each with its skip connection."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(shape.width, eps=1e-6) for _ in range(2))
        self.filter, self.mlp = Filter(shape.width, shape.blocks, shape.sparsity), Mlp(shape.width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, row, column, feature) to the same."""
        x = x + self.filter(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Embedding(nn.Module):
    """Each patch of the grid becomes one token."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.proj = nn.Conv2d(shape.channels, shape.width, shape.patch, shape.patch)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channel, row, column) to (batch, token, feature)."""
        return self.proj(x).flatten(2).transpose(1, 2)


class Afno(nn.Module):
    """One step of FourCastNet on normalised fields: (batch, channel, row, column) to the same."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        tokens = (shape.rows // shape.patch) * (shape.columns // shape.patch)
        self.pos_embed = nn.Parameter(torch.empty(1, tokens, shape.width))
        self.patch_embed = Embedding(shape)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.head = nn.Linear(shape.width, shape.channels * shape.patch**2, bias=False)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def operations(self) -> float:
        """Floating-point operations of a state's step: every token passes every weight."""
        weights = sum(values.numel() for values in self.parameters()) - self.pos_embed.numel()
        return 2.0 * weights * self.pos_embed.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """ValueError if the fields are not on the network's grid."""
        shape = self.shape
        if x.shape[1:] != (shape.channels, shape.rows, shape.columns):
            raise ValueError(f"expected (batch, {shape.channels}, {shape.rows}, {shape.columns}); found {x.shape}")
        rows, columns = shape.rows // shape.patch, shape.columns // shape.patch
        with torch.autocast(x.device.type, enabled=False):  # 16 bits of a state are coarse beside its change in a step
            x = (self.patch_embed(x) + self.pos_embed).contiguous().reshape(len(x), rows, columns, shape.width)
        for block in self.blocks:
            x = block(x)
        with torch.autocast(x.device.type, enabled=False):
            x = self.head(x.float()).reshape(len(x), rows, columns, shape.patch, shape.patch, shape.channels)
        return x.permute(0, 5, 1, 3, 2, 4).reshape(len(x), shape.channels, shape.rows, shape.columns)
