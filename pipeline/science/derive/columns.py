"""Compiled loops from level to level of a column: a tuple of fields (place,), the first of them on the ground."""

from __future__ import annotations

from typing import Any

from pipeline.science.derive.math import f4, inline, kernel
from pipeline.science.registers import full_width

PLACES = 1024
"""Places whose levels stay in the fast caches of a core while a kernel goes from level to level."""


@kernel
def _cross(
    ground: Any, at_ground: Any, height: Any, warmth: Any, above: Any, colder: Any, target: Any, out: Any
) -> None:
    """From one level to the next above; what is below the ground counts as it."""
    full_width()
    for i in range(len(out)):
        below, buried = height[i] <= ground[i], above[i] <= ground[i]
        z, t = (ground[i], at_ground[i]) if below else (height[i], warmth[i])
        top, cold = (ground[i], at_ground[i]) if buried else (above[i], colder[i])
        crosses = (t >= target) & (cold < target)
        fall = t - cold if crosses else f4(1.0)
        out[i] = z + (t - target) / fall * (top - z) if crosses else out[i]


@kernel
def highest_crossing(heights: Any, temperatures: Any, target: Any, out: Any) -> None:
    """Height (m) above which it is colder than `target` (K), linear between levels, the first the ground; `heights` and
    `temperatures` are tuples. Levels under the ground count as the ground; there where all is colder."""
    for start in range(0, len(out), PLACES):
        here = slice(start, start + PLACES)
        ground, at_ground, found = heights[0][here], temperatures[0][here], out[here]
        found[:] = ground
        for k in range(1, len(heights)):
            below, above = (heights[k - 1][here], temperatures[k - 1][here]), (heights[k][here], temperatures[k][here])
            _cross(ground, at_ground, below[0], below[1], above[0], above[1], target, found)


@kernel
def _reach(ground: Any, lowest: Any, height: Any, value: Any, top: Any, beyond: Any, above: Any, out: Any) -> None:
    """From one level to the next above, whose value is `beyond`."""
    full_width()
    for i in range(len(out)):
        target, below = ground[i] + above[i], height[i] <= ground[i]
        z, v = (ground[i], lowest[i]) if below else (height[i], value[i])
        usable = (top[i] > ground[i]) & (z < target)
        part = min((target - z) / max(top[i] - z, f4(1.0)), f4(1.0))
        out[i] = v + part * (beyond[i] - v) if usable else out[i]


@kernel
def at_height(heights: Any, values: Any, above: Any, out: Any) -> None:
    """Values, a tuple of levels, at `above` metres (place,) over the first, linear between the levels over it; the
    last's beyond. Levels at or below the first are passed over."""
    for start in range(0, len(out), PLACES):
        here = slice(start, start + PLACES)
        ground, lowest, found = heights[0][here], values[0][here], out[here]
        found[:] = lowest
        for k in range(1, len(heights)):
            below, beyond = (heights[k - 1][here], values[k - 1][here]), (heights[k][here], values[k][here])
            _reach(ground, lowest, below[0], below[1], beyond[0], beyond[1], above[here], found)


@inline
def _part_below(reached: Any, level: Any, ground: Any, depth: Any) -> Any:
    """Share of the way from the height reached to a level's within `depth` of the ground; 0 if that is in it."""
    usable = (level > ground) & (reached < ground + depth)
    return min((ground + depth - reached) / max(level - reached, f4(1.0)), f4(1.0)) if usable else f4(0.0)


@kernel
def _add_layer(ground: Any, height: Any, value: Any, depth: Any, z: Any, v: Any, out: Any) -> None:
    """Integral from the height and value reached, `z` and `v`, to a level within `depth`, which is reached then."""
    full_width()
    for i in range(len(out)):
        part, rise = _part_below(z[i], height[i], ground[i], depth), height[i] - z[i]
        after = v[i] + part * (value[i] - v[i])
        out[i] += f4(0.5) * (v[i] + after) * part * rise
        z[i] += part * rise
        v[i] = after


@kernel
def mean_below(heights: Any, values: Any, depth: Any, out: Any) -> None:
    """Mean by height of values, a tuple of levels, from the first up to `depth` metres over it, linear between the
    levels over it and constant beyond the last. Levels at or below the first are passed over."""
    full_width()
    for start in range(0, len(out), PLACES):
        here = slice(start, start + PLACES)
        ground, total = heights[0][here], out[here]
        z, v = ground.copy(), values[0][here].copy()
        total[:] = f4(0.0)
        for k in range(1, len(heights)):
            _add_layer(ground, heights[k][here], values[k][here], depth, z, v, total)
        for i in range(len(total)):
            total[i] = (total[i] + max(ground[i] + depth - z[i], f4(0.0)) * v[i]) / depth


@kernel
def _turn(ground: Any, level: Any, eastward: Any, northward: Any, storm: Any, depth: Any, at: Any, out: Any) -> None:
    """Helicity from the height and wind reached, `at`, to a level within `depth`, which is reached then."""
    full_width()
    (x, y), (z, u, v) = storm, at
    for i in range(len(out)):
        part, rise = _part_below(z[i], level[i], ground[i], depth), level[i] - z[i]
        east, north = u[i] + part * (eastward[i] - u[i]), v[i] + part * (northward[i] - v[i])
        out[i] += (east - x[i]) * (v[i] - y[i]) - (u[i] - x[i]) * (north - y[i])
        z[i] += part * rise
        u[i], v[i] = east, north


@kernel
def helicity(heights: Any, eastward: Any, northward: Any, storm: Any, depth: Any, out: Any) -> None:
    """m2 s-2: storm-relative helicity up to `depth` metres over the first level; winds are tuples of levels, `storm`
    the motion's two components. Levels at or below the first are passed over."""
    for start in range(0, len(out), PLACES):
        here = slice(start, start + PLACES)
        ground, total, motion = heights[0][here], out[here], (storm[0][here], storm[1][here])
        at = ground.copy(), eastward[0][here].copy(), northward[0][here].copy()
        total[:] = f4(0.0)
        for k in range(1, len(heights)):
            _turn(ground, heights[k][here], eastward[k][here], northward[k][here], motion, depth, at, total)
