"""Customers' orders: what can be delivered is taken, everything else refused in one line that helps."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import yaml

from pipeline.config import Config, ConfigError
from pipeline.grid import Grid

ORDER: dict[str, Any] = {"parameters": ["temperature_2m"], "formats": ["grib2"]}
PLACE = {"name": "Apia", "latitude": -13.8, "longitude": -171.8}
GRID = Grid(3)


def config(**subscriptions: Any) -> Config:
    settings = {"store": "file:///data/store", "grid_resolution": 3, "last_lead_hours": 24, "sources": {"gfs": {}}}
    return Config.parse(yaml.safe_dump(settings | {"subscriptions": subscriptions}))


def test_defaults_are_every_lead_and_the_globe() -> None:
    order = config(acme=ORDER).subscriptions["acme"]
    assert order.leads.hours(24) == tuple(range(25))
    assert order.region.area(GRID).shape == GRID.shape


def test_patterns_choose_families_in_the_order_of_the_catalogue() -> None:
    order = config(acme=ORDER | {"parameters": ["temperature_[58]?0hpa", "temperature_2m"]}).subscriptions["acme"]
    assert order.names == ("temperature_2m", "temperature_850hpa", "temperature_500hpa")


@pytest.mark.parametrize(
    ("region", "longitudes"),
    [
        ({"west": 170, "east": -170}, [171, 174, 177, 180, 183, 186, 189]),
        ({"west": -5, "east": 5}, [-3, 0, 3]),
    ],
)
def test_a_region_may_cross_a_meridian_and_hold_a_pole(region: dict[str, float], longitudes: list[float]) -> None:
    order = config(acme=ORDER | {"region": region | {"south": 84}}).subscriptions["acme"]
    area = order.region.area(GRID)
    assert list(area.longitude) == longitudes
    assert list(area.latitude) == [90, 87, 84]


def test_places_may_lie_beyond_the_date_line() -> None:
    table = ORDER | {"formats": ["csv"], "places": [PLACE], "region": {"west": 110, "east": -70}}
    assert config(acme=table).subscriptions["acme"].places[0].name == "Apia"


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"parameters": ["temperature_2n"]}, "'temperature_2n' is none; did you mean temperature_2m"),
        ({"parameters": ["nothing_*"]}, r"'nothing_\*' is none"),
        ({"parameters": []}, "at least 1 item"),
        ({"formats": []}, "at least 1 item"),
        ({"formats": ["grib3"]}, "input should be 'grib2', 'netcdf', 'geotiff', 'geoparquet' or 'csv'"),
        ({"formats": ["csv"]}, "expected `places` for the format csv"),
        ({"formats": ["csv"], "places": [PLACE], "region": {"north": 0, "south": -10}}, "found Apia outside"),
        ({"region": {"north": 10, "south": 20}}, "expected `north` of `south` or more; found 10 below 20"),
        ({"region": {"north": 91}}, "less than or equal to 90; found 91"),
        ({"region": {"west": -181}}, "greater than or equal to -180; found -181"),
        ({"region": {"nort": 10}}, "unknown key `subscriptions.acme.region.nort`; did you mean `north`?"),
        ({"region": {"north": 2, "south": 1}}, "acme: expected a region with a grid point in it; found none, every 3°"),
        ({"region": {"west": 1, "east": 2}}, "acme: expected a region with a grid point in it"),
        ({"leads": {"first": 25}}, "acme: expected a lead at least; found none from 25 h on"),
        ({"leads": {"first": 12, "last": 6}}, "acme: expected a lead at least"),
        ({"leads": {"last": 25}}, "acme: expected leads to 24 h, where the forecast ends; found 25"),
        ({"leads": {"step": 0}}, "greater than or equal to 1"),
        ({"format": ["csv"]}, "unknown key `subscriptions.acme.format`; did you mean `formats`?"),
        ({"destination": "exports/other"}, "acme: expected the destination exports/acme or a bucket of their own"),
        ({"destination": "exports/acme/../other"}, "acme: expected the destination exports/acme"),
        ({"destination": "/etc"}, "acme: expected the destination exports/acme"),
        ({"destination": "forecast"}, "acme: expected the destination exports/acme"),
        ({"destination": "s3://bucket/../other"}, "acme: expected s3://bucket/prefix or file:///folder"),
        ({"destination": "s3://"}, "acme: expected s3://bucket/prefix or file:///folder"),
        ({"destination": "https://host/path"}, "acme: expected s3://bucket/prefix or file:///folder"),
        ({"destination": "file:///data/store/forecast"}, "a bucket or folder outside the store file:///data/store"),
        ({"destination": "file:///data"}, "a bucket or folder outside the store"),
    ],
)
def test_what_cannot_be_delivered_is_refused(order: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        config(acme=ORDER | order)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["Acme", "a/b", "..", "a.b", "", "a" * 64])
def test_a_customers_name_is_a_plain_word(name: str) -> None:
    with pytest.raises(ConfigError, match="customers' names of a-z, 0-9, - and _"):
        config(**{name: ORDER})


@pytest.mark.parametrize(
    ("one", "other"),
    [("s3://b/p", "s3://b/p"), ("s3://b/p", "s3://b/p/q/"), ("s3://b", "s3://b/p"), ("file:///x/y", "file:///x")],
)
def test_two_customers_do_not_write_into_one_prefix(one: str, other: str) -> None:
    with pytest.raises(ConfigError, match="beta: expected a `destination` of its own; found one that acme writes to"):
        config(acme=ORDER | {"destination": one}, beta=ORDER | {"destination": other})


def test_neighbouring_prefixes_are_no_trouble() -> None:
    found = config(acme=ORDER | {"destination": "s3://b/p"}, beta=ORDER | {"destination": "s3://b/pq"})
    assert list(found.subscriptions) == ["acme", "beta"]


def test_workers_get_the_orders_and_manifests_do_not() -> None:
    found = config(acme=ORDER)
    assert pickle.loads(pickle.dumps(found)).subscriptions == found.subscriptions
    assert "acme" not in found.model_dump_json()
