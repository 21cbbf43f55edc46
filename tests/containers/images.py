"""Images built by buildah and run by runc, as root, under one folder: nothing of them is left on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("buildah", "runc", "mmdebstrap")
STAND_IN = "stand-in"
CERTIFICATES, PIP = Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pip.conf")
"""How this machine reaches a package registry: it is the build's business, and no image's."""
_DEBIAN = ("bookworm", "python3-venv,python-is-python3,ca-certificates")
_LEAVE_OUT = ("/usr/share/doc/*", "/usr/share/man/*")
_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "size=512m"]},
]
_NAMESPACES = ("pid", "ipc", "uts", "mount")
_HIDDEN = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"]


def missing() -> str:
    """Why no image can be built here; empty if one can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if absent:
        return f"no image is built without {', '.join(absent)}: apt-get install {' '.join(absent)}"
    return "" if os.geteuid() == 0 else "an image is built as root"


@dataclass(frozen=True)
class Image:
    """What a Dockerfile became: its configuration, its files, and how large they are."""

    base: str
    config: dict[str, Any]
    files: Path
    size: str


class Builder:
    """Builds images in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str | Path, seconds: float = 600) -> str:
        """What buildah says; CalledProcessError."""
        places = ["--root", self.folder / "layers", "--runroot", self.folder / "state", "--storage-driver", "overlay"]
        command = ["buildah", *places, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=seconds).stdout.strip()

    def base(self, dockerfile: Path) -> str:
        """The image that the Dockerfile begins with, or one of Debian's own packages where no registry answers."""
        (name,) = [line[9:] for line in dockerfile.read_text().splitlines() if line.startswith("ARG BASE=")]
        try:
            self("pull", "--quiet", name, seconds=300)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            self._stand_in()
            return STAND_IN
        return name

    def _stand_in(self) -> None:
        context = self.folder / "debian"
        context.mkdir()
        suite, packages = _DEBIAN
        options = [f"--dpkgopt=path-exclude={path}" for path in _LEAVE_OUT]
        of_this_machine = 'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"'
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", *options,
             f"--customize-hook={of_this_machine}", suite, context / "base.tar"], check=True,
        )  # fmt: skip
        (context / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n")
        self("build", "--quiet", "--isolation", "chroot", "--tag", STAND_IN, context)

    def build(self, dockerfile: Path) -> Image:
        """The image of a Dockerfile, of this checkout as .dockerignore shows it."""
        base, name = self.base(dockerfile), dockerfile.parent.name
        volumes = [f"--volume={source}:{place}:ro" for source, place in self._reaching_registries().items()]
        options = ["--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={base}", *volumes]
        self("build", "--quiet", *options, "--tag", name, "--file", dockerfile, ROOT)
        config = json.loads(self("inspect", "--type", "image", name))["Docker"]["config"]
        return Image(base, config, self.files(name), self("images", "--format", "{{.Size}}", name))

    def _reaching_registries(self) -> dict[Path, str]:
        """What is mounted while the image is built, over what is in every base: no trace is left of it."""
        home = self.folder / "home"
        if PIP.exists():
            (home / ".config/pip").mkdir(parents=True)
            shutil.copy(PIP, home / ".config/pip/pip.conf")
        volumes = {home: "/root", CERTIFICATES: str(CERTIFICATES)}
        return {source: place for source, place in volumes.items() if source.exists()}

    def files(self, image: str) -> Path:
        """A folder that shows the files of an image."""
        return Path(self("mount", self("from", "--quiet", "--pull-never", image)))


@contextmanager
def builder(folder: Path) -> Iterator[Builder]:
    """A builder whose images end with the block."""
    building = Builder(folder)
    try:
        yield building
    finally:
        building("rm", "--all")
        shutil.rmtree(folder)


class Containers:
    """Containers of an image, as the Lambda service and Batch run it: the image's user and no other privilege, a root
    that is read-only, room in /tmp, and this machine's network."""

    def __init__(self, image: Image, folder: Path) -> None:
        self.image, self._folder = image, folder
        self._names: list[str] = []

    def command(self, arguments: list[str], environment: Mapping[str, str]) -> list[str]:
        """What runs a program of the image in a new container."""
        name = f"container-{len(self._names)}"
        bundle = self._folder / name
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps(self._configuration(arguments, environment)))
        self._names.append(name)
        return [*self._runc(), "run", "--bundle", str(bundle), name]

    def _configuration(self, arguments: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
        """Of the container, as the Open Container Initiative specifies it."""
        told, (user, group) = self.image.config, map(int, self.image.config["User"].split(":"))
        return {
            "ociVersion": "1.0.0",
            "process": {
                "user": {"uid": user, "gid": group}, "args": arguments, "cwd": told["WorkingDir"],
                "env": [*told["Env"], *(f"{key}={value}" for key, value in environment.items())],
                "capabilities": {}, "noNewPrivileges": True,
            },
            "root": {"path": str(self.image.files), "readonly": True},
            "mounts": _MOUNTS,
            "linux": {"namespaces": [{"type": kind} for kind in _NAMESPACES], "maskedPaths": _HIDDEN},
        }  # fmt: skip

    def function(self, handler: str, environment: Mapping[str, str]) -> list[str]:
        """What runs a handler in the image's runtime client."""
        return self.command([*self.image.config["Entrypoint"], handler], environment)

    def pid(self) -> int:
        """On this machine, of the first process of the container that was made last."""
        state = subprocess.run([*self._runc(), "state", self._names[-1]], check=True, stdout=subprocess.PIPE).stdout
        return int(json.loads(state)["pid"])

    def end(self) -> None:
        """Kill all that run."""
        for name in self._names:
            subprocess.run([*self._runc(), "delete", "--force", name], check=True)

    def _runc(self) -> list[str]:
        return ["runc", "--root", str(self._folder / "runc")]
