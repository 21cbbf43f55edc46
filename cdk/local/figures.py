"""What an hour has asked of the local cloud: calls of functions and their times, requests, bytes, states."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

FIGURES = "/local-cloud/figures"
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Call:
    """One call of a function: whether a process was started for it, seconds it took and seconds it computed.

    `start_seconds`: of these, those until the process asked for its event; the Lambda service tells them apart, too.
    """

    cold: bool
    seconds: float
    cpu_seconds: float
    start_seconds: float = 0.0


class Figures:
    """A front of the server that counts requests for objects and bytes, and tells them with the functions' calls."""

    def __init__(self, application: Wsgi, calls: Mapping[str, list[Call]]) -> None:
        self._application, self._calls, self._lock = application, calls, threading.Lock()
        self._objects: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == FIGURES:
            calls = {name: [asdict(call) for call in made] for name, made in self._calls.items()}
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps({"objects": self._objects, "calls": calls}).encode()]
        if not is_about_an_object(environ):
            return self._application(environ, start)
        kind = "read" if environ["REQUEST_METHOD"] in ("GET", "HEAD") else "write"
        self._count(kind, int(environ.get("CONTENT_LENGTH") or 0))
        return self._counted(self._application(environ, start))

    def _counted(self, answer: Iterable[bytes]) -> Iterator[bytes]:
        for part in answer:
            with self._lock:
                self._objects["bytes_answered"] += len(part)
            yield part

    def _count(self, kind: str, sent: int) -> None:
        with self._lock:
            self._objects[kind] += 1
            self._objects["bytes_sent"] += sent


def is_about_an_object(environ: Mapping[str, Any]) -> bool:
    """Whether a request is S3's, and for an object rather than a bucket."""
    is_s3 = "/s3/" in environ.get("HTTP_AUTHORIZATION", "") or "HTTP_AUTHORIZATION" not in environ
    return is_s3 and environ["PATH_INFO"].count("/") > 1 and not environ["PATH_INFO"].startswith("/moto-api")


def transitions(history: Iterable[Mapping[str, Any]]) -> int:
    """States that an execution has entered, at any depth."""
    return sum(event["type"].endswith("StateEntered") for event in history)


def report(found: Mapping[str, Any], entered: int) -> str:
    """The figures as text, a line a function: calls, then median seconds (computed) of cold and of warm ones."""
    objects = found["objects"]
    lines = [f"{'function':42}{'calls':>6}{'cold, s (CPU)':>18}{'warm, s (CPU)':>18}"]
    for name, calls in sorted(found["calls"].items()):
        lines.append(f"{name:42}{len(calls):6}{_times(calls, cold=True):>18}{_times(calls, cold=False):>18}")
    lines.append(
        f"{objects.get('read', 0):,} requests read and {objects.get('write', 0):,} wrote objects; "
        f"{objects.get('bytes_answered', 0) / 1e6:,.1f} MB came and {objects.get('bytes_sent', 0) / 1e6:,.1f} MB went; "
        f"{entered} states were entered"
    )
    return "\n".join(lines)


def _times(calls: Iterable[Mapping[str, Any]], *, cold: bool) -> str:
    chosen = [call for call in calls if call["cold"] is cold]
    if not chosen:
        return "-"
    seconds, computed = (median(call[key] for call in chosen) for key in ("seconds", "cpu_seconds"))
    return f"{seconds:.2f} ({computed:.2f})"
