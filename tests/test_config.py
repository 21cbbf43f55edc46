"""forecast.yaml: the examples are valid, and every mistake is one line that helps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Config, ConfigError
from pipeline.sources import SOURCES

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LEAST = "store: memory://\nsources: {gfs: }\n"


@pytest.mark.parametrize("name", ["production.yaml", "demo.yaml"])
def test_the_examples_are_valid_and_name_known_sources(name: str) -> None:
    config = Config.read(EXAMPLES / name)
    assert set(config.sources) <= set(SOURCES)
    assert config.synthetic == (name == "demo.yaml")


def test_the_production_example_explains_every_key() -> None:
    text = (EXAMPLES / "production.yaml").read_text()
    assert [key for key in Config.model_fields if f"{key}:" not in text] == []


def test_a_source_without_settings_has_the_defaults() -> None:
    assert Config.parse(LEAST).sources["gfs"].endpoint is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("store: a\nsorces: {gfs: }", "unknown key `sorces`; did you mean `sources`?"),
        (LEAST + "learning: {dys: 3}", "unknown key `learning.dys`; did you mean `days`?"),
        ("store: a\nsources: {gfs: {endpont: x}}", "unknown key `sources.gfs.endpont`; did you mean `endpoint`?"),
        (LEAST + "zzzz: 1", "valid keys here are store, synthetic"),
        ("sources: {gfs: }", "the key `store` is missing"),
        ("store: a\nsources: {}", "`sources`: .* at least 1 item"),
        (LEAST + "grid_resolution: fine", "`grid_resolution`: .* valid number.*; found 'fine'"),
        (LEAST + "grid_resolution: 0.7", "a resolution that divides 90 degrees, such as 0.25 or 3; found 0.7"),
        (LEAST + "places: [{name: a, latitude: 99, longitude: 0}]", "`places.0.latitude`: .*; found 99"),
        (LEAST + "learning: {lead_hours: [0]}", "`learning.lead_hours.0`: .*greater than 0; found 0"),
        (LEAST + "learning: {lead_hours: [24, 6]}", "`learning.lead_hours`: expected rising leads.*; found .24, 6"),
        (LEAST + "learning: {lead_hours: []}", "`learning.lead_hours`: .*at least 1 item"),
        (LEAST + "retention: {input_days: 20}", "`retention`: expected input_days of 32 or more.*; found .*20"),
        (LEAST + "fourcastnet: {members: 4, enough_members: 9}", "`fourcastnet`: enough_members: .* 5; found 9"),
        (LEAST + "retention: {works_days: 2}", "did you mean `work_days`?"),
        ("store: [", "line 1: expected YAML"),
        ("just words", "expected `key: value` lines"),
        ("", "expected `key: value` lines"),
    ],
)
def test_a_mistake_is_one_line_that_helps(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        Config.parse(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "169.254.170.2:80", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.169.254.",
     "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]", "metadata.google.internal", "169.254.43518"],
)  # fmt: skip
@pytest.mark.parametrize(
    "where",
    [
        "sources: {gfs: {endpoint: '%s'}}\nstore: a",
        "observations: {endpoint: '%s'}\n" + LEAST,
        "store: '%s'\nsources: {gfs: }",
    ],
)
def test_no_address_leads_to_a_cloud_s_secrets(where: str, host: str) -> None:
    with pytest.raises(ConfigError, match="expected a server of data"):
        Config.parse(where % f"http://{host}/latest/meta-data")


def test_an_address_holds_no_credentials_and_none_are_repeated() -> None:
    for address in ("https://canary:7d1f@host", "https://host/a?token=canary", "https://host/a#canary"):
        with pytest.raises(ConfigError, match="without credentials") as error:
            Config.parse(f"store: a\nsources: {{gfs: {{endpoint: '{address}'}}}}")
        assert "canary" not in str(error.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:5000", "file:///data/a#b", "https://mirror.example", "s3://b/p"])
def test_mirrors_may_lie_anywhere_else(address: str) -> None:
    settings = {"store": address, "sources": {"gfs": {"endpoint": address}}}
    assert Config.model_validate(settings).sources["gfs"].endpoint == address


def test_an_absent_or_binary_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00GRIB")
    for name in ("absent.yaml", "binary.yaml", "."):
        with pytest.raises(ConfigError, match=r"cannot read the configuration .*examples/production.yaml"):
            Config.read(tmp_path / name)


@given(st.text())
def test_any_text_is_a_configuration_or_a_config_error(text: str) -> None:
    try:
        Config.parse(text)
    except ConfigError as error:
        assert "\n" not in str(error)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*Config.model_fields]), values))
def test_any_values_are_a_configuration_or_a_config_error(settings: dict[str, object]) -> None:
    import yaml

    try:
        Config.parse(yaml.safe_dump(settings))
    except ConfigError as error:
        assert "\n" not in str(error)
