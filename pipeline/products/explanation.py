"""The chain behind one published number, as data: what the text and the picture of `hourcast explain` show."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.cycle import Cycle
from pipeline.parameters import Parameter


@dataclass(frozen=True)
class Link:
    """One source's part: values in the parameter's units, NaN where it has none.

    number: its place among the sources of the hour, which gives it its colour everywhere;
    bias: what is subtracted, or of an amount the factor that its mapping comes to; weight: its share at this place and
    lead, 0 if it takes no part; rmse and sample: its error in the place's clusters when the bias is removed, and the
    effective number of past pairs behind that; note: why it is absent, or what else is to be known of it.
    """

    source: str
    number: int
    title: str
    cycle: str
    age_hours: int | None
    value: float
    bias: float
    corrected: float
    weight: float
    rmse: float
    sample: float
    note: str


@dataclass(frozen=True)
class Station:
    """A station whose observation was compared with the blend at lead 0; departure: observed minus blend."""

    name: str
    network: str
    distance_km: float
    observed: float
    departure: float


@dataclass(frozen=True)
class Chain:
    """How the sources became the number: each step's value follows from the one before.

    guard: what part of the weights is the scheme's, equal weights and the source best so far; amount: whether the
    sources are mapped; blend: weighted mean; expected: of an amount, what comes on average when the mean says so much,
    0 where that is little, of others the mean; ramp: what observations add at lead 0, `ramp_factor` the part left at
    this lead; ramped and consistent: the values after; rules: of consistency, that may have changed it.
    """

    amount: bool
    clusters: tuple[tuple[int, float], ...]
    guard: tuple[float, ...]
    links: tuple[Link, ...]
    blend: float
    expected: float
    ramp: float
    ramp_factor: float
    stations: tuple[Station, ...]
    ramped: float
    consistent: float
    rules: tuple[str, ...]
    expected_error: float
    spread_factor: float
    quantiles: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Derivation:
    """How a derived number follows: its formula in words with its source, and the published inputs (name, value)."""

    formula: str
    inputs: tuple[tuple[str, float], ...]
    computed: float


@dataclass(frozen=True)
class Explanation:
    """One published number, and the chain or the derivation behind it; notes: what is to be known of this place."""

    hour: Cycle
    lead_hours: int
    parameter: Parameter
    asked: tuple[float, float]
    cell: tuple[float, float]
    synthetic: bool
    published: float
    behind: Chain | Derivation
    notes: tuple[str, ...]

    @property
    def computed(self) -> float:
        """What the chain comes to."""
        return self.behind.consistent if isinstance(self.behind, Chain) else self.behind.computed

    @property
    def exact(self) -> bool:
        """Whether the chain comes to the published number within the rounding of storage."""
        return abs(self.computed - self.published) <= self.parameter.precision * (1 + 1e-4) + 1e-6 * abs(self.published)
