"""The light image, really built: what is in it, and that its functions answer in a container of it as Lambda has one.

`make image`. Its figures are printed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from cdk.functions import LIGHT
from cdk.local.cloud import CREDENTIALS, LocalCloud, running
from cdk.local.deployment import Hourcast, deploy
from cdk.local.lambda_runtime import LambdaRuntime, introduction
from pipeline import paths, worklist
from pipeline.stages import STAGES
from tests.cloud.tiny_cloud import settings
from tests.containers import images
from tests.tiny_deployment import HOUR

pytestmark = pytest.mark.image

DOCKERFILE = images.ROOT / "containers/lambda/Dockerfile"
OURS = ("opt/functions", "opt/hourcast")
MOUNTED = ("etc/hostname", "etc/hosts", "etc/resolv.conf")
"""Files that a builder puts others over, which are empty in the image."""
MEMORY_MIB, SECONDS, STARTS = 512, 60, 3
"""As the stack gives the light functions; starts of which the median is told."""
SECRET = "canary-7d1f"
DEADLINE = f"{HOUR.init_time:%Y-%m-%dT%H}:25:00Z"
TICK = {"time": DEADLINE}
FIRST, SECOND = (row.name for row in STAGES[:2])
TOLD = {
    "watchdog": {"hour": str(HOUR), "outcome": "late", "waits_for": SECOND},
    "notify": {"hour": str(HOUR), "outcome": "failed"},
}
ASKED = {
    "hourly_trigger": (TICK, {"hour": str(HOUR), "started": False}),
    "verify_stage": ({"hour": str(HOUR), "stage": FIRST}, {"stage": FIRST, "shards": 2}),
    "watchdog": (TICK, TOLD["watchdog"]),
    "notify": ({"hour": str(HOUR), "deadline": DEADLINE, "ended": DEADLINE, "outcome": "failed"}, TOLD["notify"]),
}
"""Every light function's event, and its answer about the hour of the `hourcast` below."""


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[images.Builder]:
    if reason := images.missing():
        pytest.skip(reason)
    with images.builder(tmp_path_factory.mktemp("images")) as building:
        yield building


@pytest.fixture(scope="module")
def image(building: images.Builder) -> images.Image:
    began = time.monotonic()
    image = building.build(DOCKERFILE)
    base = "packages of Debian, for no registry of images answers" if image.base == images.STAND_IN else image.base
    print(f"\nbuilt in {time.monotonic() - began:.0f} s on {base}: {image.size}")
    return image


@pytest.fixture
def containers(image: images.Image, tmp_path: Path) -> Iterator[images.Containers]:
    containers = images.Containers(image, tmp_path)
    yield containers
    containers.end()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    os.environ.update(CREDENTIALS)
    with running(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def hourcast(cloud: LocalCloud, request: pytest.FixtureRequest) -> Hourcast:
    """A deployment in which an hour has been begun, and its first stage is whole."""
    hourcast = deploy(cloud, re.sub("[^a-z]+", "-", request.node.name)[-50:].strip("-"), settings(cloud))
    shards = ["gdas", "gfs"]
    worklist.write(hourcast.store, HOUR, FIRST, shards)
    for shard in shards:
        hourcast.store.write(f"{paths.journal(HOUR, FIRST, shard)}.json", b"{}")
    item = {"hour": {"S": str(HOUR)}, "state": {"S": "running"}}
    cloud.client("dynamodb").put_item(TableName=f"{hourcast.name}-hours", Item=item)
    return hourcast


Start = Callable[[str], LambdaRuntime]


@pytest.fixture
def start(containers: images.Containers, hourcast: Hourcast, tmp_path: Path) -> Start:
    """Gives a function of the deployment that runs in the image."""

    def start(name: str) -> LambdaRuntime:
        described = hourcast.cloud.client("lambda").get_function_configuration(FunctionName=f"{hourcast.name}-{name}")
        given = hourcast.cloud.environment | described["Environment"]["Variables"] | introduction(name, MEMORY_MIB)
        arn, log = described["FunctionArn"], tmp_path / f"{name}.log"
        return LambdaRuntime(f"lambdas.{name}.handler", arn, given, SECONDS, log, containers.function)

    return start


def answer(function: LambdaRuntime, event: Any) -> Any:
    """What a call answers, or the kind of its error."""
    body, failed = function.invoke(json.dumps(event).encode())
    answered = json.loads(body)
    return answered["errorType"] if failed else answered


def seconds_to_begin(containers: images.Containers) -> float:
    """How long a container takes until a program runs in it, which the Lambda service does not count as a start."""
    began = time.time()
    said = subprocess.run(containers.command(["date", "+%s.%N"], {}), stdout=subprocess.PIPE, check=True).stdout
    return float(said) - began


def listed(root: Path) -> dict[str, tuple[int, int, str]]:
    """Every file of an image: mode, size, where a link leads."""
    found = {}
    for folder, names, files in os.walk(root):
        for path in (Path(folder) / name for name in (*names, *files)):
            status = path.lstat()
            leads = os.readlink(path) if path.is_symlink() else ""
            size = 0 if path.is_dir() else status.st_size
            found[str(path.relative_to(root))] = (status.st_mode, size, leads)
    return found


def test_nothing_but_functions_and_what_they_import_is_on_its_base(
    image: images.Image, building: images.Builder
) -> None:
    """Nothing of the build either: no certificate or address of this machine, no history, no cache but of bytecode."""
    before, after = listed(building.files(image.base)), listed(image.files)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    others = {name for name in changed if not name.startswith(OURS) and "/__pycache__" not in name}
    assert others <= {"opt", *MOUNTED}
    assert all(after[name][1] == 0 for name in changed.intersection(MOUNTED))
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "pipeline", "lambdas"]
    tracked = subprocess.run(command, cwd=images.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    functions = image.files / "opt/functions"
    files = [path for path in functions.rglob("*") if path.is_file()]
    compiled = {path for path in files if path.suffix == ".pyc"}
    assert {str(path.relative_to(functions)) for path in files if path not in compiled} == {*tracked}
    assert len(compiled) == sum(name.endswith(".py") for name in tracked), "the root is read-only: all is compiled"
    packages = {path.name.lower() for path in (image.files / "opt/hourcast/lib").glob("*/site-packages/*")}
    assert packages.isdisjoint({"numpy", "pandas", "xarray", "numba", "eccodes", "pydantic", "pip", "setuptools"})


def test_nothing_is_compiled_as_a_function_starts(containers: images.Containers) -> None:
    """Neither ours, nor a package, nor Python's own library, which its image leaves as it is."""
    modules = ["awslambdaric.__main__", "lambdas.clients", *(f"lambdas.{name}" for name in LIGHT)]
    told = {"AWS_DEFAULT_REGION": "us-east-1", "LAMBDA_TASK_ROOT": "/var/task"}
    command = containers.command(["python", "-v", "-c", f"import {', '.join(modules)}"], told)
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    read = re.findall(r"^# code object from '?(.*?)'?$", said, re.M)
    assert len(read) > 300
    assert [path for path in read if not path.endswith(".pyc")] == []


def test_its_configuration_tells_nothing_of_this_machine(image: images.Image) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.config["User"])
    assert image.config["Labels"]["org.opencontainers.image.title"] == "hourcast-lambda"
    base = {
        "PATH",
        "LANG",
        "GPG_KEY",
        "PYTHON_VERSION",
        "PYTHON_SHA256",
        "PYTHON_PIP_VERSION",
        "PYTHON_SETUPTOOLS_VERSION",
    }
    assert {pair.partition("=")[0] for pair in image.config["Env"]} - base == {"PYTHONPATH"}


def test_its_health_check_passes(containers: images.Containers) -> None:
    kind, *check = containers.image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    subprocess.run(containers.command(check, {}), check=True)


def test_a_function_runs_without_root_or_privileges_and_writes_to_its_scratch_alone(
    start: Start, containers: images.Containers
) -> None:
    answer(start("watchdog"), None)
    lines = Path(f"/proc/{containers.pid()}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert {*status["Uid"].split(), *status["Gid"].split()} == {*containers.image.config["User"].split(":")}
    assert (status["CapEff"].strip("0"), status["CapBnd"].strip("0"), status["NoNewPrivs"]) == ("", "", "1")
    program = "import pathlib; pathlib.Path({!r}, 'x').write_text('')"
    for folder, code in (("/tmp", 0), ("/", 1), ("/opt/functions", 1), ("/var/tmp", 1)):
        command = containers.command(["python", "-c", program.format(folder)], {})
        assert subprocess.run(command, stderr=subprocess.DEVNULL).returncode == code, folder


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_function_answers_in_the_image(
    name: str, start: Start, containers: images.Containers, hourcast: Hourcast, tmp_path: Path
) -> None:
    event, expected = ASKED[name]
    calls, begins = [], []
    for _ in range(STARTS):
        begins.append(seconds_to_begin(containers))
        function = start(name)
        assert [answer(function, event) for _ in range(2)] == [expected] * 2, (tmp_path / f"{name}.log").read_text()
        calls += function.calls
    assert [call.cold for call in calls] == [True, False] * STARTS
    assert hourcast.told() == ([TOLD[name]] if name in TOLD else []), "once, however often called"
    assert answer(function, {"time": SECRET}) == "Refused"
    assert SECRET not in (tmp_path / f"{name}.log").read_text()
    cold, warm = ([call for call in calls if call.cold is kind] for kind in (True, False))
    times = [median(getattr(call, key) for call in kind) for kind in (cold, warm) for key in ("seconds", "cpu_seconds")]
    print("\n{}: {:.2f} s ({:.2f} of a core) from its container's start, {:.2f} s ({:.2f}) warm".format(name, *times))
    container, started = median(begins), median(call.start_seconds for call in cold)
    print(f"of these {container:.2f} s until a program runs in the container, {started - container:.2f} s of its start")
