"""The check of a device passes on a good one and names what is wrong with a bad one."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from models.device import DeviceError, check  # noqa: E402


def test_a_good_device_passes() -> None:
    check(torch.device("cpu"), size=128, least_bandwidth=1.0)


def test_a_slow_device_is_named() -> None:
    with pytest.raises(DeviceError, match="GB/s"):
        check(torch.device("cpu"), size=128, least_bandwidth=1e15)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_an_error_that_says_so() -> None:
    with pytest.raises((DeviceError, AssertionError), match=r"cannot allocate|not compiled"):
        check(torch.device("cuda"), size=16)
