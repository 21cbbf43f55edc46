"""`hour_full_model`: from the measured slice to a full hour of the catalogue; docs/cost.md says it in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench import hour_inputs
from pipeline.cost import CPU, read_prices
from pipeline.cost.model import VCPUS, Hour, Rates, core_seconds, machines, traffic

Record = dict[str, Any]
REGION = "us-east-1"


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


def cost(hour: Hour, rate: Rates, minutes: float) -> Record:
    """Instances and dollars that make the hour in so many minutes."""
    fleet, moved, prices = machines(hour, rate, minutes), traffic(hour, rate), read_prices(REGION)
    requests = (moved["gets"] * prices["s3 read"].dollars + moved["puts"] * prices["s3 write"].dollars) / 1000
    return {
        "instances": fleet.instances,
        "vcpu_minutes": round(fleet.instances * VCPUS * minutes),
        "bound_by": fleet.bound_by,
        "compute_dollars": round(fleet.instances * minutes / 60 * prices[CPU].dollars, 2),
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
        "half the grid spacing": replace(hour, rows=2 * hour.rows, columns=2 * hour.columns),
    }
    return [
        {
            "name": "hour_full_model",
            "implementation": "hourcast",
            "work": f"721 x 1440 x 361 leads x {hour.blended + hour.derived} parameters, 15 sources, 112 members: "
            "core seconds, modelled",
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
