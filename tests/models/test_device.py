"""The check of a device passes on a good one and names what is wrong with a bad one."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from models.afno import Afno, Shape  # noqa: E402
from models.device import DeviceError, check, graphed, healthy_device, leaving  # noqa: E402


def test_a_good_device_passes() -> None:
    check(torch.device("cpu"), size=128, least_bandwidth=1.0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_work_for_a_gpu_is_not_begun_without_one() -> None:
    with torch.device("meta"):
        vendors = Afno(Shape(720, 1440, 26, patch=8, width=768, depth=12))
    assert vendors.operations == pytest.approx(1.99e12, rel=0.03)
    with pytest.raises(DeviceError, match=r"no GPU here, and a core would take some 1[01] hours: run it on a machine"):
        healthy_device(31 * 60 * vendors.operations)
    assert healthy_device(60 * vendors.operations) == torch.device("cpu"), "a single run is done in half an hour"


def test_a_slow_device_is_named() -> None:
    with pytest.raises(DeviceError, match="GB/s"):
        check(torch.device("cpu"), size=128, least_bandwidth=1e15)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_an_error_that_says_so() -> None:
    with pytest.raises((DeviceError, AssertionError), match=r"cannot allocate|not compiled"):
        check(torch.device("cuda"), size=16)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_graph_is_its_function_and_what_leaves_is_right_while_the_device_goes_on() -> None:
    weight = torch.randn(512, 512, device="cuda")

    def call(values: torch.Tensor) -> torch.Tensor:
        return (values @ weight).relu() + 1

    replay, leaves = graphed(call, torch.zeros(256, 512, device="cuda")), []
    given = [torch.randn(256, 512, device="cuda") for _ in range(50)]
    for values in given:
        leaves.append(leaving(replay(values).clone()))  # whose memory may be given to the next at once
    for values, there in zip(given, leaves, strict=True):
        torch.testing.assert_close(torch.as_tensor(there()), call(values).cpu())
