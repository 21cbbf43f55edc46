"""earth2studio's own classes load our packages, and our loop steps as theirs does.

One test, because importing earth2studio takes longer than all the rest.
"""

from __future__ import annotations

import itertools
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models import fourcastnet, weights  # noqa: E402
from models.emulator import FourCastNet  # noqa: E402
from models.variables import VARIABLES as VARIABLES_OF  # noqa: E402
from pipeline.sources import SOURCES  # noqa: E402
from tests.models.random_package import VARIABLES, random_package, random_states  # noqa: E402

CPU = torch.device("cpu")


@pytest.mark.skipif(find_spec("earth2studio") is None, reason="needs earth2studio")
def test_the_real_load_model_reads_our_package_and_steps_alike(tmp_path: Path) -> None:
    checksum, states = random_package(tmp_path), random_states(2)
    theirs = fourcastnet.load("fcn", f"file://{tmp_path}", [checksum], CPU)
    ours = FourCastNet(weights.read(tmp_path, [checksum]), CPU)
    assert theirs.variables == ours.variables == VARIABLES
    assert theirs.step_hours == ours.step_hours
    np.testing.assert_array_equal(theirs.latitude, ours.latitude)
    np.testing.assert_array_equal(theirs.longitude, ours.longitude)
    for step, (one, other) in enumerate(
        itertools.islice(zip(theirs.run(states, seeds=(1, 2)), ours.run(states, seeds=(1, 2)), strict=True), 5)
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3 * ours.package.scale.min(), err_msg=f"step {step}")
    from earth2studio.models.px import fcn

    wanted = {VARIABLES_OF[str(name)].parameter for name in fcn.VARIABLES}
    assert wanted <= SOURCES["gfs"].carries, "the vendor's FCN can be started from GFS"
    assert wanted <= SOURCES["gdas"].carries
    with pytest.raises(ValueError, match="not on the list"):
        fourcastnet.load("fcn", str(tmp_path), [], CPU)


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="fcn, sfno, fcn3"):
        fourcastnet.load("fcn4", "file://nowhere", [], CPU)


class _Drawing:
    """Stands for FCN3, which cannot be installed from a registry: a model with a generator of its own."""

    def __init__(self) -> None:
        self.seed = 333  # FCN3's default

    def set_rng(self, seed: int, reset: bool) -> None:
        self.seed = seed

    def input_coords(self) -> dict[str, object]:
        return {"batch": np.empty(0), "lead_time": np.array([np.timedelta64(0, "h")])}

    def create_iterator(self, start: torch.Tensor, coordinates: object) -> object:
        generator = torch.Generator().manual_seed(self.seed)
        while True:
            start = start + torch.randn(start.shape, generator=generator)
            yield start, coordinates


def test_a_model_that_draws_gets_the_members_seed_and_no_default() -> None:
    states = np.zeros((1, 2, 3, 4), np.float32)

    def first(seed: int) -> np.ndarray:
        return next(fourcastnet.Earth2Studio(_Drawing(), "fcn3", CPU).run(states, seeds=[seed]))

    np.testing.assert_array_equal(first(7), first(7))
    assert not np.array_equal(first(7), first(8))
    with pytest.raises(ValueError, match="one member a slice"):
        next(fourcastnet.Earth2Studio(_Drawing(), "fcn3", CPU).run(np.zeros((2, 2, 3, 4), np.float32), seeds=[1, 2]))
