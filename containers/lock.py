"""`python containers/lock.py`: write what each container installs, with hashes, beside its Dockerfile.

Versions are those of constraints.txt; files are the wheels for the containers' platform, Linux on x86-64 with Python
3.11, torch with CUDA. Needs a package registry and nothing else: pip says what it would install, and its hashes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIGHT = ("aws-lambda-powertools[tracer]", "awslambdaric", "boto3", "obstore", "pydantic", "PyYAML")
"""What functions import that know no arrays."""
GLIBC = (*(f"manylinux_2_{minor}" for minor in range(36, 4, -1)), "manylinux2014", "manylinux2010", "manylinux1")
"""What Debian 12 runs, newest first."""
PLATFORM = ("--only-binary", ":all:", "--python-version", "3.11", *(f"--platform={name}_x86_64" for name in GLIBC))
_HEADER = "# Written by `python containers/lock.py`.\n"


def requirements() -> dict[str, list[str]]:
    """What is asked for in each container, by folder."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, building = settings["project"], settings["build-system"]["requires"]
    extras = project["optional-dependencies"]
    whole = [*building, *project["dependencies"], *extras["dask"], *extras["lambdas"]]
    return {"lambda": list(LIGHT), "array": whole, "gpu": [*whole, *extras["ai"]]}


def resolved(wanted: list[str]) -> list[tuple[str, str, str]]:
    """Name, version and SHA-256 of every package that the wanted ones need, sorted; CalledProcessError."""
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
    options = ["--report=-", f"--constraint={ROOT / 'constraints.txt'}", *PLATFORM]
    # What this machine is told of other places, where torch may be one without CUDA, is not for the containers.
    environment = os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
    done = subprocess.run([*command, *options, *wanted], stdout=subprocess.PIPE, check=True, env=environment)
    return sorted(
        (
            item["metadata"]["name"].lower().replace("_", "-"),
            item["metadata"]["version"],
            item["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for item in json.loads(done.stdout)["install"]
    )


if __name__ == "__main__":
    for folder, wanted in requirements().items():
        lines = [f"{name}=={version} --hash=sha256:{checksum}\n" for name, version, checksum in resolved(wanted)]
        (ROOT / "containers" / folder / "requirements.lock").write_text(_HEADER + "".join(lines))
        print(f"{folder}: {len(lines)} packages")
