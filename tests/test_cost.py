"""The bill: counts times rates times prices, on what the cloud deployment declares, and of an hour that was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk.functions import CALLED
from cdk.settings import CPU_FAMILIES, SETTINGS
from cdk.state_machine import Resources, definition, waves
from pipeline import cost
from pipeline.cost.model import MEASURED, Hour, core_seconds, machines, resized
from pipeline.cycle import Cycle
from pipeline.journal import Job
from pipeline.operate import cost as operate_cost
from pipeline.parameters import catalogue
from pipeline.stages import STAGES

HOUR = Cycle.parse("2026-01-31T06")
PRICES = cost.read_prices("us-east-1")
ROOT = Path(__file__).resolve().parents[1]


def dollars(hour: Hour, minutes: float = 25, spot_share: float = 0.8) -> float:
    uses = cost.modelled(hour, MEASURED, minutes=minutes, spot_share=spot_share)
    return sum(charge.dollars for charge in cost.charges(uses, PRICES))


def test_the_full_hour_takes_what_was_measured() -> None:
    minutes = {name: seconds / 60 for name, seconds in core_seconds(Hour(), MEASURED).items()}
    told = {"blend": 120, "probability": 46, "validate": 56, "write": 51, "read": 35, "derive": 38, "publish": 20,
            "correct": 4}  # fmt: skip
    assert minutes == pytest.approx(told, abs=0.7), "docs/cost.md"
    assert machines(Hour(), MEASURED, 10).instances == 3
    assert machines(Hour(), MEASURED, 25).instances == 1
    dtn = sum(core_seconds(resized(parameters=350), MEASURED).values()) / 60
    assert dtn == pytest.approx(192, abs=0.7), "docs/cost.md"


def test_the_defaults_are_the_full_hour() -> None:
    assert resized() == resized(parameters=len(catalogue())) == Hour()
    coarse = resized(resolution=1, members=0)
    assert (coarse.places, coarse.members_here) == (181 * 360, 0)


@given(
    st.sampled_from(["sources", "members", "derived", "blended", "leads", "rows", "probabilistic"]),
    st.integers(2, 8),
)
@settings(max_examples=40, deadline=None)
def test_more_of_anything_is_never_cheaper(name: str, times: int) -> None:
    larger = replace(Hour(), **{name: times * getattr(Hour(), name)})
    assert dollars(larger) > dollars(Hour())


def test_the_price_of_a_machine_is_the_mean_of_spot_and_on_demand() -> None:
    bare = dollars(Hour(), spot_share=0)
    cpu, gpu = 2 * 25 / 60, 31 * 30 / 3600
    saved = cpu * (PRICES[cost.CPU].dollars - PRICES[f"{cost.CPU} spot"].dollars)
    saved += gpu * (PRICES[cost.GPU].dollars - PRICES[f"{cost.GPU} spot"].dollars)
    assert bare - dollars(Hour(), spot_share=1) == pytest.approx(saved)


def test_the_deployment_is_the_one_that_is_billed() -> None:
    names = dict.fromkeys((stage.name for stage in STAGES), "x")
    machine = definition(Resources(dict.fromkeys(CALLED, "f"), "t", names, names))

    def entered(states: dict[str, Any], name: str) -> int:
        """States on the undisturbed way from `name`, those of branches included."""
        total = 0
        while True:
            state = states[name]
            total += 1 + sum(entered(part["States"], part["StartAt"]) for part in state.get("Branches", []))
            following = state.get("Next") or state.get("Default")
            if not following or state["Type"] == "Succeed":
                return total
            name = following

    assert len(waves()) == cost.WAVES
    assert cost.transitions() == entered(machine["States"], machine["StartAt"])
    production = yaml.safe_load((ROOT / "examples/production.yaml").read_text(encoding="utf-8"))
    assert cost.KEPT_DAYS["input"] == cost.KEPT_DAYS["skill"] == production["retention"]["input_days"]
    assert cost.KEPT_DAYS["forecast"] == SETTINGS["prod"].archive_after_days


def test_every_price_is_dated_and_says_where_it_is_from() -> None:
    for row in (ROOT / "pipeline/cost/prices.csv").read_text(encoding="utf-8").splitlines()[1:]:
        *_, date, source = row.split(",")
        assert len(date) == 10
        assert source.startswith(cost.ASSUMED) or "surveyed" in source
    assert PRICES[cost.CPU].assumed
    assert not PRICES[cost.GPU].assumed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("item,dollars\nx,1\n", "expected the columns"),
        (",".join(cost.COLUMNS) + "\nx,mars,hour,1,2026-01-01,me\n", "one of mars; found 'us-east-1'"),
        (",".join(cost.COLUMNS) + "\nx,us-east-1,hour,cheap,2026-01-01,me\n", "x: expected dollars .*'cheap'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(ValueError, match=says):
        cost.read_prices("us-east-1", tmp_path / "p.csv")


def test_a_use_without_a_price_is_an_error() -> None:
    with pytest.raises(ValueError, match="none of moon dust"):
        cost.charges([cost.Use("x", "moon dust", 1)], PRICES)


def test_energy_is_machines_and_storage_with_overhead() -> None:
    uses = [cost.Use("a", "c7a.4xlarge spot", 2), cost.Use("b", "s3 archive", 10), cost.Use("c", "s3 write", 99)]
    assert cost.kilowatt_hours(uses, cost.read_energy()) == pytest.approx((2 * 68.5 + 14.2) * 1.135 / 1000)


def test_the_bill_fits_the_page_and_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    size = {"sources": 15, "parameters": len(catalogue()), "resolution": 0.25, "leads": 361, "members": 112}
    operate_cost.show_modelled(size, minutes=25, spot_share=0.8, region="us-east-1", table=None)
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()) <= 100
    rows = [line.split("│") for line in out.partition("together")[0].splitlines() if line.startswith("│ ")]
    shown = sum(float(row[4].strip(" *")) for row in rows if len(row) > 5)
    assert shown == pytest.approx(dollars(Hour()), abs=0.01)
    assert "times" in out.partition("How it grows")[2]


def test_a_member_costs_what_its_device_is_rented_for() -> None:
    job = Job("00-30", "NVIDIA L40S", members=31, member_steps=1860, seconds=180, busy=170, host_mib=1, device_mib=1)
    assert cost.dollars_a_member(job, PRICES) == pytest.approx(1.861 * 180 / 3600 / 31)
    on_a_core = cost.dollars_a_member(replace(job, device="cpu"), PRICES)
    assert on_a_core == pytest.approx(0.82112 / 16 * 180 / 3600 / 31)
    assert cost.dollars_a_member(replace(job, device="NVIDIA H200"), PRICES) is None


def test_graviton_pays_below_the_ratio_of_the_prices_of_as_many_vcpus() -> None:
    ratio = cost.graviton_pays_below(PRICES)
    assert PRICES[cost.GRAVITON].dollars * ratio == pytest.approx(PRICES[cost.CPU].dollars)
    assert {name.split(".")[1] for name in (cost.CPU, cost.GRAVITON)} == {"4xlarge"}
    assert cost.CPU.split(".")[0] in CPU_FAMILIES["x86_64"]
    assert cost.GRAVITON.split(".")[0] in CPU_FAMILIES["arm64"]


def test_the_page_on_costs_says_how_the_hour_of_350_parameters_grows(capsys: pytest.CaptureFixture[str]) -> None:
    size = {"sources": 15, "parameters": 350, "resolution": 0.25, "leads": 361, "members": 112}
    operate_cost.show_modelled(size, minutes=25, spot_share=0.8, region="us-east-1", table=None)
    printed = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    page = (ROOT / "docs/cost.md").read_text(encoding="utf-8").partition("## How it grows")[2].splitlines()
    told = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page if line.startswith("| ")][1:]
    assert len(told) == 6
    for row in told:
        assert row in [[*cells[:6], cells[7]] for cells in printed if len(cells) == 8]
