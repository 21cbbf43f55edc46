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


_ASKED = {"read": Traffic(reads=1), "write": Traffic(writes=1), "list": Traffic(writes=1), "delete": Traffic()}
_lock = threading.Lock()
_total = Traffic()


def asked(verb: Verb) -> None:
    """Count a request."""
    _count(_ASKED[verb])


def moved(*, read: int = 0, written: int = 0) -> None:
    """Count bytes."""
    _count(Traffic(bytes_read=read, bytes_written=written))


def total() -> Traffic:
    """Of this process so far."""
    return _total


def _count(more: Traffic) -> None:
    global _total
    with _lock:
        _total += more
