"""Fits an AFNO to a reanalysis: steps of six hours, errors weighted by area and by how much a variable changes.

Every batch follows from the seed and the number of the step alone, so a run that was stopped continues as if it had
not been.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.afno import Afno, Shape
from models.emulator import STEP_HOURS
from models.sun import CHANNELS
from models.training.beginning import keep_still
from models.training.data import Reanalysis
from models.weights import Package

Report = Callable[[int, float], None]
CHECKPOINT = "checkpoint.pt"
"""In the folder of a run: all that it goes on from."""


@dataclass(frozen=True)
class Plan:
    """How to train: `steps` of `batch` states each; in the last `rollout_share` of them through 2, then 3, ... and at
    last `rollout` steps of the model."""

    steps: int = 3500
    batch: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: int = 50
    rollout: int = 2
    rollout_share: float = 0.25
    seed: int = 0
    save_every: int = 200
    patch: int = 3
    width: int = 96
    depth: int = 4


SHIPPED = Plan(steps=700, rollout=3, rollout_share=0.4)
"""Of the model that ships with the project."""


def train(
    data: Reanalysis, plan: Plan, folder: Path, *, seconds: float = float("inf"), report: Report
) -> Package | None:
    """Train until the plan is done or the seconds are over, continuing from what `folder` holds.

    Returns the package, None if steps remain. report(step, loss) is called at every save. ValueError if the folder
    holds a run of another plan.
    """
    torch.manual_seed(plan.seed)
    _, channels, rows, columns = data.states.shape
    network = Afno(Shape(rows, columns, channels + CHANNELS, plan.patch, plan.width, plan.depth)).train()
    keep_still(network, data)
    optimizer = torch.optim.AdamW(network.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    first = _resume(folder, plan, network, optimizer)
    weight = _weights(data)
    end = time.monotonic() + seconds
    for step in range(first, plan.steps):
        loss = _step(network, optimizer, data, plan, step, weight)
        done = step + 1
        if done % plan.save_every == 0 or done == plan.steps or time.monotonic() > end:
            _save(folder, plan, network, optimizer, done)
            report(done, loss)
        if time.monotonic() > end and done < plan.steps:
            return None
    return Package(network.eval(), data.variables, data.mean, data.scale, sun=True)


def _weights(data: Reanalysis) -> Tensor:
    """(variable, latitude, 1) of squared errors: area, and what a variable changes by in a step."""
    area = np.cos(np.deg2rad(data.latitude))
    weights = (area / area.mean())[None, :, None] / (data.change**2)[:, None, None]
    return torch.as_tensor(weights, dtype=torch.float32)


def _step(
    network: Afno, optimizer: torch.optim.Optimizer, data: Reanalysis, plan: Plan, step: int, weight: Tensor
) -> float:
    """One step of the optimizer; returns its loss."""
    ahead = _ahead(plan, step)
    apart = STEP_HOURS // data.every
    starts = np.random.default_rng([plan.seed, step]).choice(data.starts(ahead, STEP_HOURS), plan.batch, replace=False)
    for group in optimizer.param_groups:
        group["lr"] = _learning_rate(plan, step)
    optimizer.zero_grad()
    state = torch.as_tensor(data.states[starts])
    loss = torch.zeros(())
    for one in range(1, ahead + 1):
        told = torch.as_tensor(data.sun(starts + (one - 1) * apart, STEP_HOURS))
        state = network(torch.cat([state, told], 1))[:, : -told.shape[1]]
        loss = loss + (weight * (state - torch.as_tensor(data.states[starts + one * apart])) ** 2).mean() / ahead
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


def _ahead(plan: Plan, step: int) -> int:
    """Steps of the model that a step of the optimizer looks ahead."""
    later = step - plan.steps * (1 - plan.rollout_share)
    if later < 0:
        return 1
    return min(plan.rollout, 2 + int(later * (plan.rollout - 1) / (plan.steps * plan.rollout_share)))


def _learning_rate(plan: Plan, step: int) -> float:
    """Linear to the full rate, then half a cosine to nothing."""
    if step < plan.warm_up:
        return plan.learning_rate * (step + 1) / plan.warm_up
    done = (step - plan.warm_up) / max(plan.steps - plan.warm_up, 1)
    return plan.learning_rate * 0.5 * (1 + float(np.cos(np.pi * done)))


def _save(folder: Path, plan: Plan, network: Afno, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {"plan": asdict(plan), "step": step, "network": network.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(held, folder / f".{CHECKPOINT}")
    os.replace(folder / f".{CHECKPOINT}", folder / CHECKPOINT)


def _resume(folder: Path, plan: Plan, network: Afno, optimizer: torch.optim.Optimizer) -> int:
    """Take up what the folder holds; the number of steps that are done."""
    if not (folder / CHECKPOINT).exists():
        return 0
    held = torch.load(folder / CHECKPOINT, weights_only=True)
    other = [field.name for field in fields(Plan) if held["plan"].get(field.name) != getattr(plan, field.name)]
    if set(other) - {"save_every"}:
        raise ValueError(f"{folder} holds a run of another plan ({', '.join(other)} differ); name another folder")
    network.load_state_dict(held["network"])
    optimizer.load_state_dict(held["optimizer"])
    return int(held["step"])
