"""How much work a forecast hour is: counts of values times core seconds a value; docs/cost.md has it in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Literal

from pipeline import parameters as catalogue

PUBLISHED_SECONDS_A_GB = 1.0
"""Core seconds a GB of output that publish takes: manifests and lists, nothing bulky."""
VCPUS, NETWORK_BYTES = 16, 12.5e9 / 8 * 0.6
"""c7a.4xlarge (a vCPU is a core); six tenths of its best network, which is not sustained."""
STARTING_MINUTES = 1.5
"""Of each hour, for instances to come and images to load."""
QUANTILES, THRESHOLDS = 7, 4
RUNS_A_DAY, HOURS_OF_A_DAY = 4, 24
ANALYSIS_EVERY_HOURS = 6
LEAD_BINS, SKILL_NUMBERS = 12, 1.25
"""Of skill; numbers a lead bin of a place, source and parameter: a mean, and a mean square at every fourth row."""


@dataclass(frozen=True)
class Hour:
    """The size of an hour, by default with all parameters of the catalogue.

    `steps`: native leads of a source on average, of members likewise.
    `members_here`: of the members, those that the deployment integrates itself.
    """

    rows: int = 721
    columns: int = 1440
    leads: int = 361
    blended: int = field(default_factory=lambda: len(catalogue.blended()))
    derived: int = field(default_factory=lambda: len(catalogue.derived()))
    probabilistic: int = field(default_factory=lambda: sum(row.probabilistic for row in catalogue.blended().values()))
    sources: int = 15
    steps: int = 121
    members: int = 112
    member_steps: int = 61
    members_here: int = 31
    tile_rows: int = 4

    @property
    def places(self) -> int:
        """Grid points."""
        return self.rows * self.columns

    @property
    def inputs(self) -> float:
        """Values read: of every source's native leads, and of the members'."""
        return float(self.places) * (
            self.sources * self.steps * self.blended + self.members * self.member_steps * self.probabilistic
        )

    @property
    def arrived(self) -> float:
        """Values that arrive in an hour, as a source runs four times a day."""
        return self.inputs * RUNS_A_DAY / HOURS_OF_A_DAY

    @property
    def outputs(self) -> float:
        """Values written: the best forecast, quantiles and probabilities."""
        likely = self.probabilistic * (QUANTILES + THRESHOLDS)
        return float(self.places) * self.leads * (self.blended + self.derived + likely)

    @property
    def learnt(self) -> float:
        """Pairs of a source's lead bin and a place, over all parameters that are learnt."""
        return float(self.places) * self.blended * self.sources * LEAD_BINS


def resized(
    *, sources: int = 15, parameters: int | None = None, resolution: float = 0.25, leads: int = 361, members: int = 112
) -> Hour:
    """An hour of that size, without `parameters` of the catalogue's; other counts are in the full one's proportions."""
    full, longer = Hour(), leads / 361
    parameters = full.blended + full.derived if parameters is None else parameters
    share = parameters / (full.blended + full.derived)
    blended = max(1, round(full.blended * share))
    return Hour(
        rows=round(180 / resolution) + 1, columns=round(360 / resolution), leads=leads, blended=blended,
        derived=max(0, parameters - blended), probabilistic=round(full.probabilistic * share), sources=sources,
        steps=max(1, round(full.steps * longer)), members=members,
        member_steps=max(1, round(full.member_steps * longer)), members_here=min(full.members_here, members),
    )  # fmt: skip


@dataclass(frozen=True)
class Rates:
    """Core seconds a value of each kind of work, bytes stored a byte."""

    read: float  # input value, decoded
    blend: float  # (source, lead) value aligned and blended
    correct: float  # blended value ramped and made consistent
    derive: float  # derived value
    probability: float  # (member, lead) value
    write: float  # output value rounded, encoded and written
    validate: float  # output value read back and checked
    input_ratio: float
    output_ratio: float


MEASURED = Rates(
    read=6.6e-9, blend=10.0e-9, correct=5.4e-9, derive=11.0e-9, probability=6.0e-9, write=10.2e-9, validate=11.2e-9,
    input_ratio=3.5, output_ratio=8.4,
)  # fmt: skip
"""November 2026, `make bench` on a busy Xeon with AVX-512; `output_ratio` of a production tile, `input_ratio` of
rounded temperatures in bitshuffled LZ4."""
UNPACK = 17e-9
"""Core seconds to decode a value of GRIB (15 in NCEP's packing, 20 in ECMWF's) and to bring it to the grid."""


def core_seconds(hour: Hour, rate: Rates) -> dict[str, float]:
    """Core seconds of the stages from blend to publish, by kind of work."""
    blended = float(hour.places) * hour.leads * hour.blended
    return {
        "read": hour.inputs * rate.read,
        "blend": blended * hour.sources * rate.blend,
        "correct": blended * rate.correct,
        "derive": blended / hour.blended * hour.derived * rate.derive,
        "probability": blended / hour.blended * hour.probabilistic * hour.members * rate.probability,
        "write": hour.outputs * rate.write,
        "validate": hour.outputs * rate.validate,
        "publish": hour.outputs * 4e-9 * PUBLISHED_SECONDS_A_GB,
    }


def supply_seconds(hour: Hour, rate: Rates) -> dict[str, float]:
    """Core seconds of ingest and learn, counted from what they read and write at the rates of the other stages."""
    skill = hour.learnt * SKILL_NUMBERS
    return {
        "ingest": hour.arrived * (UNPACK + rate.write),
        "learn": skill * (rate.read + rate.write / ANALYSIS_EVERY_HOURS) + 2 * hour.learnt * rate.write,
    }


def traffic(hour: Hour, rate: Rates) -> dict[str, float]:
    """Bytes from and to the object store, and its requests, of the stages from blend to publish."""
    stored = 4 * hour.outputs / rate.output_ratio
    tiles = ceil(hour.rows / hour.tile_rows)
    arrays = hour.blended + hour.derived + 2 * hour.probabilistic
    gets = tiles * (hour.blended * hour.sources + hour.probabilistic * hour.members + arrays)
    return {
        "read_bytes": 4 * hour.inputs / rate.input_ratio + stored,  # validation reads what was written
        "written_bytes": stored,
        "gets": gets,
        "puts": tiles * arrays,
    }


def stored_bytes(hour: Hour, rate: Rates) -> dict[str, float]:
    """Bytes that an hour leaves in the object store, by folder."""
    return {
        "forecast": 4 * hour.outputs / rate.output_ratio,
        "input": 4 * hour.arrived / rate.input_ratio,
        "skill": 2 * hour.learnt * SKILL_NUMBERS / ANALYSIS_EVERY_HOURS,  # 16 bits
        "work": 4 * 2 * hour.learnt / rate.input_ratio,  # a bias and a weight
    }


@dataclass(frozen=True)
class Machines:
    """How many instances make the stages from blend to publish in time, and what asks for so many."""

    instances: int
    minutes: float
    bound_by: Literal["cores", "network"]


def machines(hour: Hour, rate: Rates, minutes: float, further_seconds: float = 0) -> Machines:
    """Instances that make the hour, and `further_seconds` of core time beside it, in so many minutes."""
    seconds, moved = sum(core_seconds(hour, rate).values()) + further_seconds, traffic(hour, rate)
    working = 60 * (minutes - STARTING_MINUTES)
    by_cores = seconds / VCPUS / working
    by_network = (moved["read_bytes"] + moved["written_bytes"]) / NETWORK_BYTES / working
    return Machines(ceil(max(by_cores, by_network)), minutes, "cores" if by_cores >= by_network else "network")
