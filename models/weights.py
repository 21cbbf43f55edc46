"""Packages of weights in the on-disk format that earth2studio's `FCN.load_model` reads.

A folder with `fcn.mdlus` (physicsnemo's zip of arguments and weights), `global_means.npy` and `global_stds.npy`, each
(1, variable, 1, 1), and `config.json`, which names the variables and says whether the network is told of the sun. Only
weights of a known SHA-256 are opened, and nothing in them is executed.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.afno import Afno, Shape
from models.inputs import SHIPPED
from models.sun import CHANNELS

WEIGHTS = "fcn.mdlus"


@dataclass(frozen=True)
class Package:
    """A network, the names of its channels, and the mean and standard deviation (variable,) that normalise them.

    `sun`: the network has further channels, which tell it where the sun stands; what it makes of those is nothing.
    """

    network: Afno
    variables: tuple[str, ...]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    sun: bool = False


def write(folder: Path, package: Package) -> str:
    """Write the package, weights as float16; returns the SHA-256 of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save({name: values.half() for name, values in package.network.state_dict().items()}, buffer)
    arguments = {
        "__name__": "AFNO", "__module__": "physicsnemo.models.afno.afno",
        "__args__": package.network.shape.arguments(),
    }  # fmt: skip
    with zipfile.ZipFile(folder / WEIGHTS, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (
            ("model.pt", buffer.getvalue()),
            ("args.json", json.dumps(arguments).encode()),
            ("metadata.json", json.dumps({"physicsnemo_version": "2.2.2", "mdlus_file_version": "0.1.0"}).encode()),
        ):
            archive.writestr(
                zipfile.ZipInfo(name), content
            )  # without the time of day: the same weights, the same bytes
    for name, values in (("global_means", package.mean), ("global_stds", package.scale)):
        np.save(folder / f"{name}.npy", values.astype(np.float32).reshape(1, -1, 1, 1))
    shape = package.network.shape
    inputs = {
        "variables": list(package.variables), "rows": shape.rows, "columns": shape.columns, "sun": package.sun,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(inputs) + "\n")
    return checksum(folder)


def read(folder: Path, allowed: Collection[str]) -> Package:
    """The package whose weights have one of the `allowed` checksums.

    FileNotFoundError for an incomplete package; ValueError, which says what to do, for weights that are not allowed or
    do not fit.
    """
    check(folder, allowed)
    try:
        with zipfile.ZipFile(folder / WEIGHTS) as archive:
            arguments = json.loads(archive.read("args.json"))["__args__"]
            values = torch.load(io.BytesIO(archive.read("model.pt")), map_location="cpu", weights_only=True)
        network = Afno(Shape.of(arguments))
        network.load_state_dict(values)
    except (zipfile.BadZipFile, pickle.UnpicklingError, KeyError, RuntimeError) as error:
        raise ValueError(f"{folder / WEIGHTS} holds no weights of an AFNO ({error}); fetch the package again") from None
    mean, scale = (np.load(folder / f"global_{name}.npy", allow_pickle=False).ravel() for name in ("means", "stds"))
    known = json.loads((folder / "config.json").read_text())
    variables, told = tuple(known["variables"]), bool(known.get("sun", False))
    if not len(variables) == len(mean) == len(scale) == network.shape.channels - told * CHANNELS:
        raise ValueError(
            f"{folder} names {len(variables)} variables, has {len(mean)} means, {len(scale)} standard deviations and "
            f"{network.shape.channels} channels{', two of them the sun' * told}; fetch the package again"
        )
    if (known["rows"], known["columns"]) != (network.shape.rows, network.shape.columns):
        raise ValueError(
            f"{folder / 'config.json'} says {known['rows']} x {known['columns']} and the weights are for "
            f"{network.shape.rows} x {network.shape.columns} points; fetch the package again"
        )
    return Package(network.eval(), variables, mean.astype(np.float32), scale.astype(np.float32), told)


def check(folder: Path, allowed: Collection[str]) -> None:
    """ValueError unless the weights in the folder are allowed."""
    found = checksum(folder)
    if found not in allowed:
        raise ValueError(
            f"the weights {folder / WEIGHTS} have the SHA-256 {found}, which is not on the list: fetch the package "
            "again, or name the checksum in `weights_sha256` of the configuration if you trust it"
        )


def checksum(folder: Path) -> str:
    """SHA-256 of the weights; FileNotFoundError if the package is incomplete."""
    for name in (WEIGHTS, "global_means.npy", "global_stds.npy", "config.json"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"the package {folder} has no {name}; fetch it again")
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def shipped_checksum() -> str:
    """SHA-256 of the weights that ship with the project."""
    return (SHIPPED / "SHA256").read_text().strip()
