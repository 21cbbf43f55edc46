"""The filter's transforms by matrices against torch's Fourier transforms."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from models.afno import Filter, _transforms  # noqa: E402


@pytest.mark.parametrize(("rows", "columns"), [(20, 40), (6, 6), (9, 14), (12, 8)])
def test_the_filter_is_that_of_fourier_transforms(rows: int, columns: int) -> None:
    torch.manual_seed(0)
    layer, x = Filter(16, 2, 0.01), torch.randn(3, rows, columns, 16)
    kept = rows // 2 + 1
    waves = torch.fft.rfft2(x, dim=(1, 2), norm="ortho")[:, :, :kept].reshape(3, rows, -1, 2, 8)
    (w1, w2), (b1, b2) = (
        [torch.complex(*part) for part in parts] for parts in ((layer.w1, layer.w2), (layer.b1, layer.b2))
    )
    hidden = torch.einsum("...ki,kio->...ko", waves, w1) + b1
    hidden = torch.complex(hidden.real.relu(), hidden.imag.relu())
    out = torch.einsum("...ki,kio->...ko", hidden, w2) + b2
    shrunk = torch.complex(*(torch.nn.functional.softshrink(part, 0.01) for part in (out.real, out.imag)))
    expected = torch.fft.irfft2(shrunk.reshape(3, rows, -1, 16), s=(rows, columns), dim=(1, 2), norm="ortho") + x
    torch.testing.assert_close(layer(x), expected, rtol=1e-5, atol=1e-5)
    assert all(not matrix.is_inference() for matrix in _transforms(rows, columns, x.device))
