"""How often this process has asked object storage, and what has come and gone: what a store charges for."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from pipeline.store.errors import Verb


@dataclass(frozen=True)
class Traffic:
    """Requests for and of objects, a list counting as a write as in S3's prices, and bytes; retries are not in it."""

    reads: int = 0
    writes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.reads + other.reads, self.writes + other.writes, self.bytes_read + other.bytes_read,
            self.bytes_written + other.bytes_written,
        )  # fmt: skip

    def __sub__(self, other: Traffic) -> Traffic:
        return self + Traffic(-other.reads, -other.writes, -other.bytes_read, -other.bytes_written)


_ASKED = {"read": "reads", "write": "writes", "list": "writes"}
_lock = threading.Lock()
_total = dict.fromkeys(("reads", "writes", "bytes_read", "bytes_written"), 0)


def asked(verb: Verb) -> None:
    """Count a request."""
    if verb in _ASKED:
        _count(_ASKED[verb], 1)


def moved(*, read: int = 0, written: int = 0) -> None:
    """Count bytes."""
    _count("bytes_read", read)
    _count("bytes_written", written)


def total() -> Traffic:
    """Of this process so far."""
    with _lock:
        return Traffic(**_total)


def _count(what: str, more: int) -> None:
    with _lock:
        _total[what] += more
