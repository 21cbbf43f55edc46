"""The clock of functions and jobs, which may be off, as Python tells the time there.

The nodes of a job keep the true time, as other machines may, and so does what is not Python: S3's client, which signs.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from datetime import datetime, timedelta

_PROGRAM = (
    "import runpy; from cdk.local.clock import put_off; put_off({}); "
    "runpy.run_module({!r}, run_name='__main__', alter_sys=True)"
)
_off_seconds = 0.0


def set_off(seconds: float) -> None:
    """Let processes that begin from now on have a clock that is ahead by so much."""
    global _off_seconds
    _off_seconds = seconds


def off_seconds() -> float:
    """How far the clock of a process that begins now is ahead."""
    return _off_seconds


def command(module: str, argument: str) -> list[str]:
    """What runs a module as a program with that clock."""
    program = ["-c", _PROGRAM.format(_off_seconds, module)] if _off_seconds else ["-m", module]
    return [sys.executable, *program, argument]


def put_off(seconds: float) -> None:
    """Set the clock of this process ahead by so much, for whoever has imported it already, too."""
    true_time, true_now, true_utcnow = time.time, datetime.now, datetime.utcnow
    time.time = lambda: true_time() + seconds
    ahead = timedelta(seconds=seconds)
    # A built-in class takes no new attributes, but what its attributes are kept in does.
    attributes = gc.get_referents(datetime.__dict__)[0]
    attributes["now"] = staticmethod(lambda tz=None: true_now(tz) + ahead)
    attributes["utcnow"] = staticmethod(lambda: true_utcnow() + ahead)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))
