"""Where everything lies in the object store: pure functions from names to keys."""

from __future__ import annotations

from pipeline.cycle import Cycle

LATEST = "forecast/latest.json"
EXPORTED = "exports"
"""The folder of an hour's work where the exports note what they have written."""
CONFIGURATION = "forecast.yaml"
"""The description of the deployment, where nobody has a file of it: in the cloud."""


def input_zarr(source: str, cycle: Cycle) -> str:
    """One cycle of one source on the target grid."""
    return f"input/{source}/{cycle}.zarr"


def input_record(source: str, cycle: Cycle) -> str:
    """What was fetched, what is missing and why, checksums: written last, so its presence means complete."""
    return f"input/{source}/{cycle}.json"


def quarantine(source: str, name: str) -> str:
    """A file that could not be used, kept for inspection."""
    return f"quarantine/{source}/{name}"


def observations(cycle: Cycle) -> str:
    """Quality-controlled observations valid at the hour, Parquet."""
    return f"observations/{cycle}.parquet"


def stations(cycle: Cycle, name: str) -> str:
    """What the blend of the hour said at the stations before the ramp, their biases, and how long increments paid."""
    return f"stations/{cycle}/{name}"


def static_fields() -> str:
    """Orography and land fraction on the target grid."""
    return "static/static.zarr"


def skill(parameter: str, cycle: Cycle) -> str:
    """Skill statistics of one parameter, of the lead bins that were written at the hour."""
    return f"skill/{cycle}/{parameter}.zarr"


def skill_head(parameter: str, cycle: Cycle) -> str:
    """Where the lead bins lie that make the skill of one parameter at the hour: written last, so it means complete."""
    return f"skill/{cycle}/{parameter}.json"


def work(cycle: Cycle, name: str) -> str:
    """Intermediate results of an hour, removable once it is published."""
    return f"work/{cycle}/{name}"


def forecast(cycle: Cycle, name: str = "") -> str:
    """A product of a published hour, such as best.zarr or manifest.json; docs/storage.md lists them."""
    return f"forecast/{cycle}/{name}" if name else f"forecast/{cycle}"


def exports(customer: str = "") -> str:
    """A customer's folder, files and manifest of an hour below `<hour>/`; without a name, that of all customers."""
    return f"exports/{customer}" if customer else "exports"


def export_record(cycle: Cycle, shard: str) -> str:
    """The files that one shard of the exports has written, with their checksums: written after them."""
    return work(cycle, f"{EXPORTED}/{shard}.json")


def ensemble(cycle: Cycle, model: str) -> str:
    """All members of one model on the target grid."""
    return f"ensemble/{cycle}/{model}.zarr"


def tracks(cycle: Cycle, name: str) -> str:
    """Cyclone tracks of the ensemble's members."""
    return f"tracks/{cycle}/{name}"


def nests(cycle: Cycle) -> str:
    """The plan of fine runs for an hour's hazards."""
    return f"nests/{cycle}/plan.json"


def scores(cycle: Cycle, name: str) -> str:
    """Scores of the hour's forecast once its valid times have passed."""
    return f"scores/{cycle}/{name}"


def worklist(cycle: Cycle, stage: str) -> str:
    """The shards that the workers of a stage share out by number."""
    return f"work/{cycle}/shards/{stage}.json"


def bill(cycle: Cycle) -> str:
    """What the making of an hour has used and cost: beside the journal, for it is another each time."""
    return f"journal/{cycle}/bill.json"


def journal(cycle: Cycle, stage: str = "", shard: str = "") -> str:
    """The marker of a finished shard; of a stage's or an hour's folder without `shard` or `stage`."""
    return "/".join(part for part in ("journal", str(cycle), stage, shard) if part)
