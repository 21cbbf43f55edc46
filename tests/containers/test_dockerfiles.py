"""What holds for every image: built apart from what it ships, from pinned sources, without root, with its health."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cdk.functions import PROCESSORS
from models.chain import Job, Program, described, programs
from pipeline.runner.pool import KEEP_MEMORY
from tests.physics.test_physics import HOURS, RUNS

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(ROOT.glob("containers/*/Dockerfile"))
MODELS = [path for path in FILES if path.parent.name in RUNS]
_FLOATING = re.compile(r"^(?!.*:[\w.-]*\d)|:latest")


def _stages(path: Path) -> list[list[str]]:
    """Instructions of each stage, lines that go on joined, without comments."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.M).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    return [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_images_are_small_pinned_and_without_root(path: Path) -> None:
    stages = _stages(path)
    assert len(stages) > 1
    for image in (*re.findall(r"^ARG BASE=(\S+)$", path.read_text(), re.M), *(stage[0].split()[1] for stage in stages)):
        assert image.startswith("${") or not _FLOATING.search(image), image
    last = "\n".join(stages[-1])
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.M)
    assert re.search(r"^HEALTHCHECK .*CMD ", last, re.M)
    assert f'image.title="hourcast-{path.parent.name}"' in last
    assert "image.licenses=" in last
    assert not re.search(r"\b(gcc|gfortran|make|git|curl)\b", last)


def test_jobs_on_arrays_keep_freed_memory_as_workers_do() -> None:
    last = "\n".join(_stages(ROOT / "containers/array/Dockerfile")[-1])
    assert all(re.search(rf"^ENV .*\b{name}={value}\b", last, re.M) for name, value in KEEP_MEMORY.items())


@pytest.mark.parametrize("image", ["array", "gpu"])
def test_kernels_are_compiled_as_the_image_is_built_for_what_all_its_machines_know(image: str) -> None:
    """By the name of what is common to them, without features of the builder's own; again for the functions."""
    stages = _stages(ROOT / f"containers/{image}/Dockerfile")
    (build,) = ("\n".join(stage) for stage in stages if " AS build" in stage[0])
    (folder,) = re.findall(r"^ENV .*NUMBA_CACHE_DIR=(\S+)$", build, re.M)
    assert re.search(r"^RUN /opt/hourcast/bin/python -m pipeline.kernels kernels\b", build, re.M)
    last = "\n".join(stages[-1])
    assert f"HOURCAST_KERNELS={folder} " in last
    assert folder.startswith("/opt/hourcast/"), "what the last stage copies"
    assert "NUMBA_CACHE_LOCATOR_CLASSES=pipeline.shipped_kernels.ShippedCacheLocator" in last
    text = "\n".join("\n".join(stage) for stage in stages)
    named, functions = (re.findall(rf"\b{name}=([\w-]+)", text) for name in ("NUMBA_CPU_NAME", "FUNCTIONS_CPU_NAME"))
    assert text.count('NUMBA_CPU_FEATURES=""') == len(named)
    if image == "gpu":
        assert set(named) == {"x86-64-v3"}, "g6e has no wider vectors"
    else:
        assert (named, functions) == (["x86-64-v4", "neoverse-n1"], list(PROCESSORS.values()))
        assert "NUMBA_CPU_NAME=$FUNCTIONS_CPU_NAME /opt/hourcast/bin/python -m pipeline.kernels kernels" in build


@pytest.mark.parametrize("image", ["lambda", "array", "gpu"])
def test_bytecode_is_valid_whatever_times_an_image_keeps(image: str) -> None:
    """Of packages, and of Python's own library, which its image leaves as it is: roots are read-only."""
    build, last = ("\n".join(stage) for stage in _stages(ROOT / f"containers/{image}/Dockerfile")[-2:])
    assert build.count("bin/pip install") == build.count("--no-compile") > 0
    compiled = r"-m compileall [^&\n]*--invalidation-mode unchecked-hash [^&\n]*"
    assert re.search(rf"{compiled}/opt/hourcast\b", build)
    assert re.search(rf"{compiled}stdlib", last)
    assert f"{build}{last}".count("compileall") == 2


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_models_are_built_from_what_cannot_change(path: Path) -> None:
    """A checksum for every download, a commit or a release's tag for every clone, the processor by an argument."""
    build = "\n".join(line for stage in _stages(path)[:-1] for line in stage)
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", build, re.M))
    assert arguments["ARCH"] == "znver4"
    assert "-march=${ARCH}" in build
    sums = [value for name, value in arguments.items() if name.endswith("_SHA256")]
    assert len(sums) == build.count("curl -fsSL") == build.count("sha256sum --check")
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in sums)
    pins = [value for name, value in arguments.items() if re.search("(VERSION|COMMIT)$", name)]
    assert pins
    assert all(re.fullmatch(r"\d+\.\d+\.\d+|[0-9a-f]{40}", value) for value in pins)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_images_hold_the_programs_and_tables_of_the_chain(path: Path) -> None:
    model, text = path.parent.name, path.read_text()
    common = {"start": "2026-01-31T06", "hours": HOURS}
    job = Job(model, described(model, common | RUNS[model]), "/opt/model", "/data")  # type: ignore[arg-type]
    for program in programs(job):
        assert program.program in text or program.program.startswith("ww3_")  # CMake installs all of these
        for folder in _shared(program):
            assert f"/opt/model/share/{folder}" in text


def _shared(program: Program) -> set[str]:
    return {link.partition("share/")[2].split("/")[0] for link in program.links if "share/" in link}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_hadolint_has_nothing_to_say(path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
