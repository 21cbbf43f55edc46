"""`hour_full_model`: from the measured slice to a full hour of DTN's size; docs/cost.md has the arithmetic in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from bench import hour_inputs

Record = dict[str, Any]

VALIDATED_AND_PUBLISHED = 1.0
"""Core seconds a GB of output that the last stages take beside reading it back: manifests and lists, nothing bulky."""
VCPUS, DOLLARS_AN_HOUR, NETWORK_BYTES = 16, 0.82112, 12.5e9 / 8 * 0.6
"""c7a.4xlarge (a vCPU is a core), on demand in us-east-1; six tenths of its best network, which is not sustained."""
STARTING_MINUTES = 1.5
"""Of each hour, for instances to come and images to load."""
DOLLARS_A_PUT, DOLLARS_A_GET = 0.005 / 1000, 0.0004 / 1000
QUANTILES, THRESHOLDS = 7, 4


@dataclass(frozen=True)
class Hour:
    """The size of an hour; `steps`: native leads of a source on average, of members likewise."""

    places: int = 721 * 1440
    leads: int = 361
    blended: int = 60
    derived: int = 290
    probabilistic: int = 11
    sources: int = 15
    steps: int = 121
    members: int = 112
    member_steps: int = 61
    tile_rows: int = 4

    @property
    def inputs(self) -> float:
        """Values read: of every source's native leads, and of the members'."""
        return self.places * (
            self.sources * self.steps * self.blended + self.members * self.member_steps * self.probabilistic
        )

    @property
    def outputs(self) -> float:
        """Values written: the best forecast, quantiles and probabilities."""
        likely = self.probabilistic * (QUANTILES + THRESHOLDS)
        return float(self.places) * self.leads * (self.blended + self.derived + likely)


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


def rates(slice_: Record) -> Rates:
    """What the measured slice says; see `bench.hour`."""
    split, places = slice_["seconds_by_step"], 721 * 1440
    leads, names = hour_inputs.LEADS, len(hour_inputs.PARAMETERS)
    sources = len(hour_inputs.HOURLY) + len(hour_inputs.THREE_HOURLY)
    read, written = slice_["input_bytes"] / 4, slice_["output_bytes"] / 4
    likely = sum(slice_["arrays"][kind] for kind in ("quantile", "exceedance")) * places * leads
    blended = places * leads * names
    whole = {step: seconds + split["other"] * seconds / (sum(split.values()) - split["other"])
             for step, seconds in split.items()}  # fmt: skip
    return Rates(
        read=(whole["read"] + whole["decode"]) / read,
        blend=(whole["weights"] + whole["align"] + whole["blend"]) / (blended * sources),
        correct=(whole["ramp"] + whole["consistency"]) / blended,
        derive=whole["derive"] / (written - likely - blended),
        probability=whole["probability"] / (blended * hour_inputs.MEMBERS),
        write=(whole["encode"] + whole["write"]) / written,
        validate=slice_["validate_seconds"] / written,
        input_ratio=slice_["input_bytes"] / slice_["input_stored_bytes"],
        output_ratio=slice_["output_bytes"] / slice_["output_stored_bytes"],
    )


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
        "publish": hour.outputs * 4e-9 * VALIDATED_AND_PUBLISHED,
    }


def traffic(hour: Hour, rate: Rates) -> dict[str, float]:
    """Bytes from and to the object store, and its requests."""
    stored = 4 * hour.outputs / rate.output_ratio
    tiles = ceil(721 * (hour.places / (721 * 1440)) ** 0.5 / hour.tile_rows)
    arrays = hour.blended + hour.derived + 2 * hour.probabilistic
    gets = tiles * (hour.blended * hour.sources + hour.probabilistic * hour.members + arrays)
    return {
        "read_bytes": 4 * hour.inputs / rate.input_ratio + stored,  # validation reads what was written
        "written_bytes": stored,
        "gets": gets,
        "puts": tiles * arrays,
    }


def cost(hour: Hour, rate: Rates, minutes: float) -> Record:
    """Instances and dollars that make the hour in so many minutes."""
    seconds, moved = sum(core_seconds(hour, rate).values()), traffic(hour, rate)
    working = 60 * (minutes - STARTING_MINUTES)
    by_cores = seconds / VCPUS / working
    by_network = (moved["read_bytes"] + moved["written_bytes"]) / NETWORK_BYTES / working
    instances = ceil(max(by_cores, by_network))
    requests = moved["gets"] * DOLLARS_A_GET + moved["puts"] * DOLLARS_A_PUT
    return {
        "instances": instances,
        "vcpu_minutes": round(instances * VCPUS * minutes),
        "bound_by": "cores" if by_cores >= by_network else "network",
        "compute_dollars": round(instances * minutes / 60 * DOLLARS_AN_HOUR, 2),
        "request_dollars": round(requests, 2),
    }


def hour_full_model(slice_: Record) -> list[Record]:
    """The record of a full hour."""
    hour, rate = Hour(), rates(slice_)
    seconds, moved = core_seconds(hour, rate), traffic(hour, rate)
    whole = sum(seconds.values())
    larger = {
        "twice the sources": replace(hour, sources=2 * hour.sources),
        "twice the members": replace(hour, members=2 * hour.members),
        "twice the parameters": replace(
            hour, blended=2 * hour.blended, derived=2 * hour.derived, probabilistic=2 * hour.probabilistic
        ),
        "twice the leads": replace(
            hour, leads=2 * hour.leads, steps=2 * hour.steps, member_steps=2 * hour.member_steps
        ),
        "half the grid spacing": replace(hour, places=4 * hour.places),
    }
    return [
        {
            "name": "hour_full_model",
            "implementation": "hourcast",
            "work": "721 x 1440 x 361 leads x 350 parameters, 15 sources, 112 members: core seconds, modelled",
            "seconds": round(whole, 1),
            "runs": 0,
            "bandwidth_fraction": slice_["bandwidth_fraction"],
            "peak_memory_bytes": slice_["peak_memory_bytes"],
            "core_minutes": round(whole / 60, 1),
            "core_minutes_by_work": {name: round(part / 60, 1) for name, part in seconds.items()},
            "traffic": {name: round(value) for name, value in moved.items()},
            "in_10_minutes": cost(hour, rate, 10),
            "in_25_minutes": cost(hour, rate, 25),
            "growth": {
                name: round(sum(core_seconds(other, rate).values()) / whole, 2) for name, other in larger.items()
            },
        }
    ]
