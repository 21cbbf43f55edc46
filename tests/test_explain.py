"""`hourcast explain`: the chain comes to the published number, and every source, station and rule is accounted for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from rich.console import Console

from pipeline import paths
from pipeline.config import Config
from pipeline.cycle import Cycle
from pipeline.explain import explain
from pipeline.explain.chain import related
from pipeline.parameters import parameter
from pipeline.products import explanation_picture, explanation_text
from pipeline.products.explanation import Chain, Derivation, Explanation
from pipeline.sources import SOURCES
from pipeline.sources.newest import due_cycles
from pipeline.steps import Deployment, collate, forecast, learn, publish, validate
from pipeline.steps.input_store import InputWriter
from pipeline.steps.observe import to_parquet
from pipeline.store import arrays as store_arrays
from tests.tiny_deployment import HOUR, LAST_LEAD, NAMES, write_configuration, write_inputs

EDGE = (60.0, 270.0)
"""A cell at the edge of the region of hrrr, which covers the next one eastwards."""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    folder = tmp_path_factory.mktemp("explain")
    path = write_configuration(folder, folder / "store")
    write_inputs(Deployment.open(path))
    settings = yaml.safe_load(path.read_text())
    settings["sources"] |= {"hrrr": None, "icon": None}
    result = Deployment.open(Config.parse(yaml.safe_dump(settings)))
    _write_region(result)
    _write_surroundings(result)
    for step in (learn, collate, forecast, validate, publish):
        for shard in step.shards(result, HOUR):
            step.run(result, HOUR, shard)
    return result


_REGIONAL = {"temperature_2m": 266.0, "dew_point_temperature_2m": 300.0, "pressure_at_sea_level": 101_310.0}


def _write_region(deployment: Deployment) -> None:
    """A run of hrrr, of which nothing is known from the past, colder than the others and wetter than consistent."""
    cycle, leads = due_cycles(SOURCES["hrrr"], HOUR)[0], tuple(range(LAST_LEAD))
    writer = InputWriter(deployment.store, paths.input_zarr("hrrr", cycle), deployment.grid, leads, NAMES, ["forecast"])
    for name in NAMES:
        value = _REGIONAL.get(name, 3)
        writer.write(parameter(name), "forecast", np.full((len(leads), 84), value, np.float32), np.ones(len(leads)))
    coverage = np.zeros(deployment.grid.shape, np.float32)
    coverage[1, 9], coverage[1, 10] = 0.5, 1
    writer.close(coverage.ravel(), {"synthetic": True})
    record = {"status": "complete", "parameters": list(NAMES), "leads": list(leads), "missing": [], "quarantined": []}
    deployment.store.write(paths.input_record("hrrr", cycle), json.dumps(record | {"files": []}).encode())


def _write_surroundings(deployment: Deployment) -> None:
    """Flat land in the north, and what the ramp leaves: 2 K more everywhere, from three stations."""
    shape = deployment.grid.shape
    land = np.zeros(shape, np.float32)
    land[:3] = 1
    fields = {"land_area_fraction": land, "surface_altitude": np.zeros(shape, np.float32)}
    static = xr.Dataset({name: (("latitude", "longitude"), values) for name, values in fields.items()})
    static.to_zarr(deployment.store.zarr(paths.static_fields()), mode="w", zarr_format=3, consolidated=False)
    departures = {"NEAR": (271.0, 3.0), "FAR": (290.0, 2.0), "FURTHER": (310.0, 2.5), "HELD": (270.0, 9.0)}
    table = pd.DataFrame([
        {"station": name, "network": "METAR", "latitude": 60.0, "longitude": east, "parameter": "temperature_2m",
         "value": 290.0, "withheld": name == "HELD", "flag": "", "departure": departure}
        for name, (east, departure) in departures.items()
    ])  # fmt: skip
    deployment.store.write(paths.work(HOUR, "observations/temperature_2m.parquet"), to_parquet(table))
    attributes = {"ramp_factor": [1.0, 0.9, 0.7, 0.4, 0.1, 0.0]}
    field = (("latitude", "longitude"), np.full(shape, 2, np.float32), attributes)
    increment = xr.Dataset({"temperature_2m": field})
    store_arrays.write(deployment.store, paths.work(HOUR, "increments/temperature_2m.zarr"), increment)


def chain(found: Explanation) -> Chain:
    assert isinstance(found.behind, Chain)
    return found.behind


@pytest.mark.parametrize("place", [EDGE, (90.0, 0.0)])
@pytest.mark.parametrize("name", NAMES)
def test_the_chain_sums_to_the_published_number(deployment: Deployment, name: str, place: tuple[float, float]) -> None:
    for lead in (0, 3, LAST_LEAD):
        found = explain(deployment, HOUR, *place, name, lead)
        behind = chain(found)
        assert found.exact
        assert found.published == pytest.approx(behind.consistent, abs=parameter(name).precision)
        total = sum(link.weight * link.corrected for link in behind.links if link.weight)
        assert total == pytest.approx(behind.blend, rel=1e-5, abs=1e-4)
        assert behind.amount == (name == "precipitation")
        if not behind.amount:
            assert behind.expected == behind.blend
        assert behind.ramped == pytest.approx(behind.expected + behind.ramp_factor * behind.ramp, rel=1e-5, abs=1e-4)


def test_every_source_is_accounted_for(deployment: Deployment) -> None:
    links = {link.source: link for link in chain(explain(deployment, HOUR, *EDGE, "temperature_2m", 6)).links}
    assert set(links) == {"gfs", "ifs", "hrrr", "icon"}
    assert sum(link.weight for link in links.values()) == pytest.approx(1)
    assert links["gfs"].bias == pytest.approx(2, abs=0.5)
    assert links["gfs"].sample > 0
    assert links["gfs"].cycle == str(HOUR - int(links["gfs"].age_hours or 0))
    assert links["hrrr"].note == "new source, prior weight; edge of its region, counts 50%"
    assert links["icon"].note == "late: no usable run had arrived"
    elsewhere = chain(explain(deployment, HOUR, -30, 90, "temperature_2m", 6)).links
    assert next(link.note for link in elsewhere if link.source == "hrrr") == "does not cover this place"
    late = chain(explain(deployment, HOUR, 60, 300, "temperature_2m", LAST_LEAD)).links
    assert next(link.note for link in late if link.source == "hrrr") == "its run ends at 9 h"


def test_the_guard_says_what_the_weights_are_made_of(deployment: Deployment) -> None:
    behind = chain(explain(deployment, HOUR, *EDGE, "temperature_2m", 6))
    assert sum(behind.guard) == pytest.approx(1, abs=1e-5)
    assert explanation_text.guard(replace(behind, guard=(1, 0, 0))).startswith("The guard took nothing")
    assert "60% of the weights learnt, 30% equal" in explanation_text.guard(replace(behind, guard=(0.6, 0.3, 0.1)))


def test_an_amount_is_mapped_and_becomes_what_is_to_be_expected(deployment: Deployment) -> None:
    found = explain(deployment, HOUR, 30, 0, "precipitation", 6)
    behind = chain(found)
    links = {link.source: link for link in behind.links if link.value > 0}
    assert links["gfs"].bias == pytest.approx(links["gfs"].corrected / links["gfs"].value)
    assert links["gfs"].bias < 0.9, "it says 2 too much"
    assert links["gfs"].corrected > 0
    console = Console(width=explanation_text.WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(explanation_text.text(found))
    assert "to expect" in captured.get()
    assert f"×{links['gfs'].bias:.2f}" in captured.get()
    assert "to expect" in explanation_picture.picture(found)


def test_the_ramp_names_its_stations(deployment: Deployment) -> None:
    behind = chain(explain(deployment, HOUR, *EDGE, "temperature_2m", 1))
    assert behind.ramp == 2
    assert 0 < behind.ramp_factor < 1
    assert [station.name for station in behind.stations] == ["NEAR", "FAR", "FURTHER"]
    assert behind.stations[0].distance_km == pytest.approx(55.6, abs=0.1)
    assert chain(explain(deployment, HOUR, *EDGE, "dew_point_temperature_2m", 1)).stations == ()


def test_a_rule_that_changed_the_value_is_named(deployment: Deployment) -> None:
    behind = chain(explain(deployment, HOUR, 60, 300, "dew_point_temperature_2m", 8))
    assert behind.consistent < behind.ramped
    assert len(behind.rules) == 1


def test_a_derived_parameter_says_what_it_is_derived_from(deployment: Deployment) -> None:
    found = explain(deployment, HOUR, *EDGE, "dew_point_depression_2m", 6)
    assert isinstance(found.behind, Derivation)
    inputs = dict(found.behind.inputs)
    assert set(inputs) == {"temperature_2m", "dew_point_temperature_2m"}
    assert found.computed == pytest.approx(inputs["temperature_2m"] - inputs["dew_point_temperature_2m"], abs=0.02)
    assert found.published == pytest.approx(found.computed, abs=0.05)
    console = Console(width=explanation_text.WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(explanation_text.text(found))
    assert f"Published: {found.published:.2f} K" in captured.get(), "a difference is in kelvins"


def test_only_what_rules_tie_together_is_made_again() -> None:
    assert related("pressure_at_sea_level") == {"pressure_at_sea_level"}
    assert {"temperature_2m", "dew_point_temperature_2m"} <= related("dew_point_temperature_2m")
    assert {"eastward_wind_10m", "wind_speed_10m"} <= related("northward_wind_10m")


def test_what_cannot_be_explained_is_refused_in_a_line(deployment: Deployment) -> None:
    with pytest.raises(KeyError, match="snowfall is not in the forecast of 20250905T00Z"):
        explain(deployment, HOUR, 0, 0, "snowfall", 6)
    with pytest.raises(KeyError, match="did you mean temperature_2m"):
        explain(deployment, HOUR, 0, 0, "temprature_2m", 6)
    with pytest.raises(ValueError, match="expected a lead of 0 to 12 whole hours; found 13"):
        explain(deployment, HOUR, 0, 0, "temperature_2m", 13)
    with pytest.raises(ValueError, match="latitude must be"):
        explain(deployment, HOUR, 91, 0, "temperature_2m", 6)


def test_text_and_picture_tell_the_same_chain(deployment: Deployment, tmp_path: Path) -> None:
    found = explain(deployment, HOUR, *EDGE, "temperature_2m", 1)
    console = Console(width=explanation_text.WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(explanation_text.text(found))
    printed = captured.get()
    for expected in (
        "SYNTHETIC",
        "hrrr",
        "new source, prior weight",
        "NEAR",
        "The guard took",
        "within the rounding of storage",
    ):
        assert expected in printed
    explanation_picture.write(found, tmp_path / "why.svg")
    drawn = (tmp_path / "why.svg").read_text()
    assert len(ElementTree.fromstring(drawn).findall(".//{*}circle")) == 6
    assert all(word in drawn for word in ("hrrr", "NEAR", "The guard took", "icon (late: no usable run had arrived)"))
    explanation_picture.write(found, tmp_path / "why.html")
    assert (tmp_path / "why.html").read_text().startswith("<!doctype html>")
    explanation_picture.write(explain(deployment, HOUR, *EDGE, "dew_point_depression_2m", 6), tmp_path / "derived.svg")
    with pytest.raises(ValueError, match=r"ending in .svg or .html; found why.png"):
        explanation_picture.write(found, tmp_path / "why.png")


def test_a_run_that_is_gone_is_named(deployment: Deployment) -> None:
    key = paths.input_record("gfs", HOUR - 6)
    record = deployment.store.read(key)
    deployment.store.delete(key)
    try:
        with pytest.raises(FileNotFoundError, match=r"the run .* of gfs is no longer kept"):
            explain(deployment, Cycle.parse(str(HOUR)), 0, 0, "temperature_2m", 6)
    finally:
        deployment.store.write(key, record)


def test_a_field_that_was_not_believed_is_named_and_a_chain_that_does_not_fit_says_so(deployment: Deployment) -> None:
    key = paths.forecast(HOUR, "manifest.json")
    written = deployment.store.read(key)
    manifest = json.loads(written)
    doubt = {"parameter": "temperature_2m", "leads": [6], "latitudes": [90.0, 30.0], "reason": "too far"}
    manifest["sources"]["gfs"]["implausible"] = [doubt]
    deployment.store.write(key, json.dumps(manifest).encode())
    try:
        found = explain(deployment, HOUR, *EDGE, "temperature_2m", 6)
        elsewhere = explain(deployment, HOUR, -60, 0, "temperature_2m", 6)
    finally:
        deployment.store.write(key, written)
    note = next(link.note for link in chain(found).links if link.source == "gfs")
    assert note == "left out: too far"
    assert not found.exact, "the forecast has believed it"
    assert explanation_text.verdict(found).startswith("This does not come to the published number: it is")
    assert elsewhere.exact
