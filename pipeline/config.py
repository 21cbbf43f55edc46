"""One validated description of a deployment, read from `forecast.yaml`."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator

from pipeline.addresses import secret_server
from pipeline.grid import Grid
from pipeline.subscriptions import Leads, Place, Region, Section, Subscription, check

PositiveInt = Annotated[int, Field(gt=0)]


LATE_HOURS = 48
"""How long after its last lead an hour is scored again, for a late analysis or an hour that was missed."""
_SPARE_DAYS = 2  # runs are older than the hours they serve
_PHYSICS = re.compile(r"(wrf|mpas|ww3|core)(?:-([a-z0-9][a-z0-9-]*))?")


class ConfigError(ValueError):
    """The configuration cannot be used; the message is one line for a human."""


def model_and_domain(name: str) -> tuple[str, str]:
    """Of a physics model's run: `wrf-alps` is WRF's domain `alps`, `wrf` its only one; ValueError for other names."""
    found = _PHYSICS.fullmatch(name)
    if found is None:
        raise ValueError(
            f"expected a physics model, wrf, mpas, ww3 or core, and perhaps a domain as in wrf-alps; found {name!r}"
        )
    return found[1], found[2] or ""


def _is_safe(address: str) -> str:
    """Of a server or folder: manifests are published with it, and who fetches from there may have a role to lose."""
    try:
        parts = urlsplit(address)
        number = secret_server(address)
    except ValueError:
        raise ValueError("expected an address such as https://host or file://folder; found none") from None
    if parts.username is not None or (parts.scheme in ("http", "https") and (parts.query or parts.fragment)):
        raise ValueError("expected an address without credentials, query and fragment; found one with them")
    if number is not None:
        raise ValueError(f"expected a server of data; found {number}, where a cloud tells its machines their secrets")
    return address


Address = Annotated[str, AfterValidator(_is_safe)]


class SourceConfig(Section):
    """How one source is used.

    `endpoint`: where its bucket really is (a mirror's `file://` folder or the address of an S3 server); None is the
    open-data bucket itself. `lead_step_hours` thins the leads to multiples of it, None takes every lead. `without`:
    parameters that are not taken from it, by name or pattern.
    """

    endpoint: Address | None = None
    lead_step_hours: PositiveInt | None = None
    without: tuple[str, ...] = ()


class ObservationsConfig(Section):
    """Where the observation reports lie; None is their public servers. `networks`: which of them are read."""

    endpoint: Address | None = None
    networks: tuple[Literal["metar", "ndbc", "synop"], ...] = ("metar", "ndbc", "synop")


class LearningConfig(Section):
    """What skill is learnt from: starts of the past `days`, every `every_hours`, verified at `lead_hours`."""

    days: PositiveInt = 30
    every_hours: PositiveInt = 24
    lead_hours: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (6, 24, 72, 120)

    @field_validator("lead_hours")
    @classmethod
    def _rise(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted({*value}):  # weights are interpolated between them
            raise ValueError(f"expected rising leads, each once; found {list(value)}")
        return value


class RetentionConfig(Section):
    """Days after which what no later hour needs is removed; None keeps it for ever.

    `work_days`: intermediate results of published hours. `input_days`: runs on the target grid, and the skill of
    former hours. `export_days`: customers' files under `exports/`, which also go with their hour. What is published is
    never removed.
    """

    work_days: PositiveInt | None = None
    input_days: PositiveInt | None = None
    export_days: PositiveInt | None = None


class FourCastNetConfig(Section):
    """The ensemble that is made here: one member from the analysis as it is and `members` from perturbed ones.

    `model`: `afno` is our own loop, `fcn` earth2studio's; `package`: a folder or URL of weights, or
    `shipped`, the small model of the embedded world; `weights_sha256`: weights that may be opened beside the shipped.
    `analysis`: the source whose analysis it starts from. `perturbation`: ours, or earth2studio's class of that name.
    `amplitude`: root mean square of the perturbation, as a share of each variable's standard deviation; `amplitudes`:
    of single variables, by earth2studio's name. `members_per_job`: of one shard. `checkpoint_steps`: steps between
    states that an interrupted job continues from. `enough_members`: without as many plausible ones the hour has none.
    `precision`: of our own loop on a GPU; a CPU computes in float32.
    """

    model: Literal["afno", "fcn"] = "afno"
    package: str = "shipped"
    weights_sha256: tuple[str, ...] = ()
    analysis: str = "gfs"
    members: PositiveInt = 30
    members_per_job: PositiveInt = 31
    perturbation: Literal[
        "spherical_gaussian", "bred_vectors", "SphericalGaussian", "CorrelatedSphericalGaussian", "BredVector",
        "HemisphericCentredBredVector", "LaggedEnsemble",
    ] = "bred_vectors"  # fmt: skip
    amplitude: Annotated[float, Field(ge=0, le=2)] = 0.1
    amplitudes: dict[str, Annotated[float, Field(gt=0, le=2)]] = Field(default={})
    checkpoint_steps: PositiveInt = 30
    enough_members: PositiveInt = 20
    precision: Literal["bfloat16", "float32"] = "bfloat16"

    @model_validator(mode="after")
    def _enough_can_be_had(self) -> FourCastNetConfig:
        if self.enough_members > self.members + 1:
            raise ValueError(
                f"enough_members: expected at most members + 1, {self.members + 1}; found {self.enough_members}"
            )
        return self


class NestsConfig(Section):
    """Fine runs for the hazards that an hour's ensembles foresee: dollars an hour may cost, and wall hours a run."""

    budget_dollars: Annotated[float, Field(gt=0)]
    deadline_hours: Annotated[float, Field(gt=0, le=24)] = 2


class NodesConfig(Section):
    """The nodes of a cluster other than that of `slurm/jobs.csv`: a partition, what a node holds, and how long.

    An empty partition is the cluster's default one.
    """

    partition: Annotated[str, Field(pattern=r"^[\w.-]*$")]
    ranks_per_node: PositiveInt
    threads: PositiveInt = 1
    minutes: PositiveInt = 120


class PhysicsConfig(Section):
    """A run of a physics model with every hour whose number `every_hours` divides; its name is that of its source.

    `programs`, `data`, `image` and `run` are those of a run's description (docs/physics.md), without its start.
    `nodes`: where it runs; None is the layout of `slurm/jobs.csv`.
    """

    programs: str = ""
    data: str = ""
    image: str = ""
    every_hours: Annotated[int, Field(ge=1, le=24)] = 6
    run: dict[str, Any]
    nodes: NodesConfig | None = None


class Config(Section):
    """A deployment: where it stores, what it reads, what it makes."""

    store: Address
    synthetic: bool = False
    grid_resolution: Annotated[float, Field(gt=0, le=30)] = 0.25
    last_lead_hours: Annotated[int, Field(ge=1, le=384)] = 360
    sources: dict[str, SourceConfig] = Field(min_length=1)
    observations: ObservationsConfig = ObservationsConfig()
    learning: LearningConfig = LearningConfig()
    retention: RetentionConfig = RetentionConfig()
    fourcastnet: FourCastNetConfig | None = None
    nests: NestsConfig | None = None
    physics: dict[str, PhysicsConfig] = Field(default={}, exclude=True)
    ramp_hours: Annotated[int, Field(ge=0, le=48)] = 24
    places: tuple[Place, ...] = ()
    subscriptions: dict[str, Subscription] = Field(default={}, exclude=True)  # no customer is named in a manifest
    workers: PositiveInt = 2
    tile_rows: PositiveInt = 16

    @field_validator("grid_resolution")
    @classmethod
    def _divides_90(cls, value: float) -> float:
        if abs(90 / value - round(90 / value)) > 1e-9:
            raise ValueError("expected a resolution that divides 90 degrees, such as 0.25 or 3")
        return value

    @field_validator("retention")
    @classmethod
    def _keeps_what_is_needed(cls, value: RetentionConfig, info: ValidationInfo) -> RetentionConfig:
        learning: LearningConfig = info.data.get("learning", LearningConfig())
        scored_days = -(-(max(learning.lead_hours) + LATE_HOURS) // 24)
        needed = max(learning.days, scored_days) + _SPARE_DAYS
        if value.input_days is not None and value.input_days < needed:
            raise ValueError(
                f"expected input_days of {needed} or more, because skill is learnt from {learning.days} days and an "
                f"hour is scored for {scored_days}"
            )
        return value

    @field_validator("physics")
    @classmethod
    def _is_stored_as_a_source(cls, value: dict[str, PhysicsConfig], info: ValidationInfo) -> dict[str, PhysicsConfig]:
        for name, settings in value.items():
            model_and_domain(name)
            if name not in info.data.get("sources", {name: None}):
                raise ValueError(f"expected `{name}: {{}}` among the sources, as which its runs are stored; found none")
            if "start" in settings.run:
                raise ValueError(f"expected no start in the run of {name}, because every hour has its own; found one")
        return value

    @field_validator("subscriptions")
    @classmethod
    def _can_be_delivered(cls, value: dict[str, Subscription], info: ValidationInfo) -> dict[str, Subscription]:
        if {"store", "grid_resolution", "last_lead_hours"} <= info.data.keys():
            check(value, info.data["store"], Grid(info.data["grid_resolution"]), info.data["last_lead_hours"])
        return value

    @classmethod
    def read(cls, path: Path | str) -> Config:
        """Read and check `forecast.yaml`; ConfigError in one line if it cannot be used."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise ConfigError(
                f"cannot read the configuration {path}: {reason}; examples/production.yaml is a commented example"
            ) from None
        try:
            return cls.parse(text)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None

    @classmethod
    def parse(cls, text: str) -> Config:
        """Check the text of a `forecast.yaml`; ConfigError in one line if it cannot be used."""
        try:
            values = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}: " if mark else ""
            problem = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise ConfigError(f"{where}expected YAML; found {problem}") from None
        if not isinstance(values, dict):
            raise ConfigError(f"expected `key: value` lines such as `store: file://build/store`; found {text[:40]!r}")
        if isinstance(values.get("sources"), dict):  # `gfs:` with nothing after it means the defaults
            values["sources"] = {key: {} if value is None else value for key, value in values["sources"].items()}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    """The first problem in one line, and how many more there are."""
    problems = error.errors(include_url=False)
    # A misspelt key is both unknown and missing; the unknown one says more.
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    where = repr(".".join(str(part) for part in first["loc"]))[1:-1]  # a key may hold a line break
    if first["type"] == "extra_forbidden":
        valid = _valid_keys(first["loc"][:-1])
        near = get_close_matches(str(first["loc"][-1]), valid, n=1, cutoff=0.4)
        advice = f"did you mean `{near[0]}`?" if near else f"valid keys here are {', '.join(valid)}"
        text = f"unknown key `{where}`; {advice}"
    elif first["type"] == "missing":
        text = f"the key `{where}` is missing; add it (examples/production.yaml is a commented example)"
    else:
        message = first["msg"].removeprefix("Value error, ")
        expected = message[0].lower() + message[1:]
        found = "" if "; found " in expected else f"; found {_short(first['input'])}"
        text = f"`{where}`: {expected}{found}"
    return text + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_SECTIONS: dict[str, type[Section]] = {
    "sources": SourceConfig, "observations": ObservationsConfig, "learning": LearningConfig,
    "retention": RetentionConfig, "places": Place, "subscriptions": Subscription, "leads": Leads, "region": Region,
    "fourcastnet": FourCastNetConfig, "nests": NestsConfig, "physics": PhysicsConfig, "nodes": NodesConfig,
}  # fmt: skip


def _valid_keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys of the innermost section that the location names; a customer or source may be called anything."""
    named = [str(part) for place, part in enumerate(location) if place != 1]
    section = next((_SECTIONS[part] for part in reversed(named) if part in _SECTIONS), Config)
    return list(section.model_fields)
