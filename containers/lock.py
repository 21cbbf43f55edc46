"""`python containers/lock.py`: write what each container installs, with hashes, beside its Dockerfile.

Versions are those of constraints.txt; files are the wheels for the containers' platforms, Linux with Python 3.11 on
x86-64 and, without a GPU, on arm64; torch with CUDA. Needs a package registry and nothing else: pip says what it would
install, and its hashes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIGHT = ("aws-lambda-powertools[tracer]", "awslambdaric", "boto3", "msgspec", "obstore")
"""What functions import that know no arrays."""
GLIBC = (*(f"manylinux_2_{minor}" for minor in range(36, 4, -1)), "manylinux2014", "manylinux2010", "manylinux1")
"""What Debian 12 runs, newest first."""
PLATFORM = ("--only-binary", ":all:", "--python-version", "3.11")
PROCESSORS = {"lambda": ("x86_64", "aarch64"), "array": ("x86_64", "aarch64"), "gpu": ("x86_64",)}
_HEADER = "# Written by `python containers/lock.py`.\n"


def requirements() -> dict[str, list[str]]:
    """What is asked for in each container, by folder."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, building = settings["project"], settings["build-system"]["requires"]
    extras = project["optional-dependencies"]
    whole = [*building, *project["dependencies"], *extras["dask"], *extras["lambdas"]]
    return {"lambda": list(LIGHT), "array": whole, "gpu": [*whole, *extras["ai"]]}


def resolved(wanted: list[str], processor: str) -> dict[str, str]:
    """SHA-256 of every package that the wanted ones need there, by `name==version`; CalledProcessError."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--ignore-installed",
        "--target=/nowhere",
    ]
    platforms = [f"--platform={name}_{processor}" for name in GLIBC]
    options = ["--report=-", f"--constraint={ROOT / 'constraints.txt'}", *PLATFORM, *platforms]
    # What this machine is told of other places, where torch may be one without CUDA, is not for the containers.
    environment = os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
    done = subprocess.run([*command, *options, *wanted], stdout=subprocess.PIPE, check=True, env=environment)
    items = [(item["metadata"], item["download_info"]) for item in json.loads(done.stdout)["install"]]
    return {
        f"{package['name'].lower().replace('_', '-')}=={package['version']}": file["archive_info"]["hashes"]["sha256"]
        for package, file in items
    }


def lines(wanted: list[str], processors: tuple[str, ...]) -> list[str]:
    """A line a package, with the hash of each processor's file; ValueError if they need different packages."""
    found = [resolved(wanted, processor) for processor in processors]
    if any(each.keys() != found[0].keys() for each in found):
        raise ValueError(f"expected the same packages on {' and '.join(processors)}; found others")
    hashes = {package: dict.fromkeys(each[package] for each in found) for package in sorted(found[0])}
    return [f"{package} {' '.join(f'--hash=sha256:{value}' for value in hashes[package])}\n" for package in hashes]


if __name__ == "__main__":
    for folder, wanted in requirements().items():
        locked = lines(wanted, PROCESSORS[folder])
        (ROOT / "containers" / folder / "requirements.lock").write_text(_HEADER + "".join(locked))
        print(f"{folder}: {len(locked)} packages for {' and '.join(PROCESSORS[folder])}")
