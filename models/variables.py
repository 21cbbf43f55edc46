"""What the variables of learned models are called, by their makers, by us and by reanalyses."""

from __future__ import annotations

from dataclasses import dataclass

GRAVITY = 9.80665  # m s-2
PRESSURE_LEVELS = (1000, 925, 850, 700, 600, 500, 400, 300, 250, 200, 150, 100, 50)  # hPa, of the catalogue


@dataclass(frozen=True)
class Variable:
    """`name`: earth2studio's; `parameter`: the catalogue's, which times `factor` is the variable; `reanalysis`: in
    WeatherBench's layout of ERA5, at `level` hPa or None, which times `reanalysis_factor` is the variable."""

    name: str
    parameter: str
    factor: float
    reanalysis: str
    level: int | None = None
    reanalysis_factor: float = 1.0


_SURFACE = (
    Variable("u10m", "eastward_wind_10m", 1, "10m_u_component_of_wind"),
    Variable("v10m", "northward_wind_10m", 1, "10m_v_component_of_wind"),
    Variable("u100m", "eastward_wind_100m", 1, "100m_u_component_of_wind"),
    Variable("v100m", "northward_wind_100m", 1, "100m_v_component_of_wind"),
    Variable("t2m", "temperature_2m", 1, "2m_temperature"),
    Variable("sp", "surface_pressure", 1, "surface_pressure"),
    Variable("msl", "pressure_at_sea_level", 1, "mean_sea_level_pressure"),
    Variable("tcwv", "precipitable_water", 1, "total_column_water_vapour"),
)
_ALOFT = (
    ("t", "temperature", 1.0, "temperature", 1.0),
    ("u", "eastward_wind", 1.0, "u_component_of_wind", 1.0),
    ("v", "northward_wind", 1.0, "v_component_of_wind", 1.0),
    ("z", "geopotential_height", GRAVITY, "geopotential", 1.0),
    ("r", "relative_humidity", 100.0, "relative_humidity", 100.0),
)
VARIABLES: dict[str, Variable] = {
    variable.name: variable
    for variable in (
        *_SURFACE,
        *(
            Variable(f"{name}{level}", f"{parameter}_{level}hpa", factor, reanalysis, level, reanalysis_factor)
            for name, parameter, factor, reanalysis, reanalysis_factor in _ALOFT
            for level in PRESSURE_LEVELS
        ),
    )
}
