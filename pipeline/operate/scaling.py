"""What `hourcast scaling` does: how fast a model runs on how many nodes, at what price, and how many to take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from pipeline.slurm import measured
from pipeline.slurm.scaling import SIMULATED, choices, fit, read_measurements


def show_scaling(
    case: str, table: Path | None, hours: float, deadline: float | None, nodes: Sequence[int], here: int | None
) -> None:
    """Speed, wall time and price of a case at each number of nodes, and which to take.

    here: instead of a table's case the embedded core on 1, 2, 4, ... and so many processors of this machine.
    """
    measurements = read_measurements(table)
    if here is not None:
        powers = {1 << power for power in range(here.bit_length())}
        case, measurements = measured.CASE, measured.measure(sorted({*powers, here}))
    scaling = fit(measurements, case)
    absolute = scaling.unit == SIMULATED
    heads = ["hours", "$ a run", "$ an hour"] if absolute else ["$ ratio"]
    shown = Table("instance", "nodes", "speed", *heads, box=SIMPLE, padding=(0, 1, 0, 0))
    found = choices(scaling, hours, deadline, nodes)
    cheapest = min(choice.price[0] for choice in found)
    for choice in found:
        cells = [_range(choice.speed)]
        if absolute:
            cells += [f"{choice.hours[0]:.3g}", _range(choice.price), f"{choice.price[0] / hours:.3g}"]
        else:
            cells += [f"{choice.price[0] / cheapest:.2f}"]
        style = "bold green" if choice.recommended else None if choice.in_time else "dim"
        shown.add_row(choice.instance, str(choice.nodes), *cells, style=style)
    console = Console(highlight=False)
    console.print(shown)
    best = next((choice for choice in found if choice.recommended), None)
    speed = "simulated over wall time" if absolute else f"over that of one {scaling.reference}"
    print(f"Speed is {speed}; ranges are 5 to 95 %." + " $ an hour is of a forecast hour." * absolute)
    print(f"{case}: " + (f"take {best.nodes} of {best.instance}" if best else f"none makes it in {deadline:g} h"))


def _range(values: tuple[float, float, float]) -> str:
    best, low, high = (f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" for value in values)
    return f"{best} ({low}\N{EN DASH}{high})"
