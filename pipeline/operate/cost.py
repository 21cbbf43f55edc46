"""What `hourcast cost` does: the bill of an hour that was made, or of one of any size, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline import cost
from pipeline.cost import Charge, Price, Use
from pipeline.cost.model import (
    MEASURED,
    Hour,
    core_seconds,
    resized,
    stored_bytes,
    supply_seconds,
    traffic,
)
from pipeline.cycle import Cycle
from pipeline.operate import open_deployment
from pipeline.runner import bill

WIDTH = 100
_GROWTH: dict[str, dict[str, float]] = {
    "twice the sources": {"sources": 2}, "twice the members": {"members": 2}, "twice the parameters": {"parameters": 2},
    "twice the leads": {"leads": 2}, "half the grid spacing": {"resolution": 0.5},
}  # fmt: skip


def show_modelled(
    size: Mapping[str, float], *, minutes: float, spot_share: float, region: str, table: Path | None
) -> None:
    """Print the bill of an hour of a size (see `cost.model.resized`) and how it grows; ValueError for a bad table."""
    prices, hour = cost.read_prices(region, table), _hour(size)
    uses = cost.modelled(hour, MEASURED, minutes=minutes, spot_share=spot_share)
    bytes_kept = stored_bytes(hour, MEASURED)["forecast"]
    title = (
        f"Modelled: {hour.rows} x {hour.columns} places, {hour.leads} leads, {hour.blended + hour.derived} parameters, "
        f"{hour.sources} sources, {hour.members} members"
    )
    _show(title, uses, prices, region, bytes_kept)
    growth = Table("", title="How it grows", title_justify="left")
    for head in ("core min", "GB moved", "requests", "calls", "$ an hour", "$ a month", "times"):
        growth.add_column(head, justify="right")
    whole = _dollars(uses, prices)
    for name, factors in {"this hour": {}, **_GROWTH}.items():
        larger = _hour({key: value * factors.get(key, 1) for key, value in size.items()})
        dollars = _dollars(cost.modelled(larger, MEASURED, minutes=minutes, spot_share=spot_share), prices)
        money = f"{dollars:.2f}", f"{dollars * cost.HOURS_A_MONTH:,.0f}", f"{dollars / whole:.2f}"
        growth.add_row(name, *_work(larger), *money)
    _console().print(growth)
    _console().print(f"Every hour enters {cost.transitions()} states of its machine, whatever its size.")


def _work(hour: Hour) -> tuple[str, str, str, str]:
    """Core minutes, GB from and to the object store, requests of it, and calls of functions."""
    seconds = sum(core_seconds(hour, MEASURED).values()) + sum(supply_seconds(hour, MEASURED).values())
    moved = traffic(hour, MEASURED)
    gigabytes = (moved["read_bytes"] + moved["written_bytes"]) / 1e9
    requests = moved["gets"] + moved["puts"]
    return f"{seconds / 60:,.0f}", f"{gigabytes:,.0f}", f"{requests:,.0f}", f"{cost.calls(hour):,.0f}"


def _hour(size: Mapping[str, float]) -> Hour:
    counts = {key: round(value) for key, value in size.items() if key != "resolution"}
    return resized(**counts, resolution=size["resolution"])


def show_measured(config: Path, cycle: str, *, spot_share: float, region: str, table: Path | None) -> None:
    """Print the bill of an hour from its journal and what it has stored; ValueError if nothing of it is finished."""
    hour = Cycle.parse(cycle)
    found = bill.of(open_deployment(config), hour, spot_share=spot_share, region=region, table=table)
    uses, prices = [charge.use for charge in found.charges], cost.read_prices(region, table)
    _show(f"Measured: {hour}, at the vCPUs of the table of stages", uses, prices, region, found.stored["forecast"])


def _dollars(uses: Sequence[Use], prices: Mapping[str, Price]) -> float:
    return sum(charge.dollars for charge in cost.charges(uses, prices))


def _show(title: str, uses: Sequence[Use], prices: Mapping[str, Price], region: str, forecast_bytes: float) -> None:
    """The bill as a table, what the archive adds, and the energy."""
    charges = cost.charges(uses, prices)
    console = _console()
    table = Table("what", title=f"{title}, in {region}", title_justify="left", show_footer=True)
    hour, month = _cells([sum(charge.dollars for charge in charges)])[0]
    table.columns[0].footer = "together"
    for head, footer in (("how much", ""), ("of", ""), ("$ an hour", hour), ("$ a month", month)):
        table.add_column(head, footer=footer, justify="left" if head == "of" else "right", no_wrap=True)
    for charge, (dollars, monthly) in zip(charges, _cells([charge.dollars for charge in charges]), strict=True):
        mark = "" if charge.price.assumed else " *"
        table.add_row(charge.use.what, _count(charge.use.quantity), charge.price.unit, dollars + mark, monthly)
    console.print(table)
    _notes(console, charges, prices, forecast_bytes)


def _cells(dollars: Sequence[float]) -> list[tuple[str, str]]:
    return [(f"{value:.3f}", f"{value * cost.HOURS_A_MONTH:,.0f}") for value in dollars]


def _count(quantity: float) -> str:
    return f"{quantity:,.0f}" if quantity >= 1000 else f"{quantity:.3g}"


def _notes(console: Console, charges: Sequence[Charge], prices: Mapping[str, Price], forecast_bytes: float) -> None:
    energy = cost.read_energy()
    used = cost.kilowatt_hours([charge.use for charge in charges], energy)
    grams = {name: value for name, value in energy.items() if name.count("-") == 2}
    console.print("Prices are assumed from published lists, those with * surveyed. Edit pipeline/cost/prices.csv.")
    console.print(
        f"On arm64 (Graviton) its CPUs cost less if it takes less than {cost.graviton_pays_below(prices):.2f} times as "
        "many core seconds there."
    )
    console.print(
        f"A month of such forecasts in the archive adds ${cost.archive_dollars(forecast_bytes, prices):,.0f} to every "
        "later month."
    )
    console.print(
        f"Energy, all assumed: {used:.3g} kWh an hour, {used * cost.HOURS_A_MONTH:.3g} kWh a month. CO2e of a month:"
    )
    by_region = ", ".join(f"{name} {used * cost.HOURS_A_MONTH * value / 1000:.3g} kg" for name, value in grams.items())
    console.print(f"{by_region}.")


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)
