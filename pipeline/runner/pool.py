"""Worker processes that live for a whole run, or a dask cluster's; both take work as a standard executor."""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
KEEP_MEMORY = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
"""What glibc is to be told when a process starts: freed memory stays for the next array, up to so many bytes of it.

By default, and more so by dask's, large arrays are handed back to the system, which clears the next ones anew.
"""


class Pool:
    """`size` processes that import `modules` once; `restart` replaces them when one has died or hangs."""

    def __init__(self, size: int, modules: Sequence[str]) -> None:
        self.size = size
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([*modules, "pipeline.warm"])
        _start_forkserver(threads=max(1, (os.cpu_count() or 1) // size))
        self._others = set(multiprocessing.active_children())
        self._executor = self._start()

    def _start(self) -> Executor:
        return ProcessPoolExecutor(self.size, self._context, initializer=_follow_the_parent)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call `function` in one of the processes."""
        with _uninterrupted():
            return self._executor.submit(function, *arguments)

    def restart(self) -> None:
        """Kill the processes, whatever they are doing, and start new ones."""
        self.kill()
        self._executor = self._start()

    def close(self) -> None:
        """Let the processes end; they have nothing to do."""
        self._executor.shutdown()

    def kill(self) -> None:
        """Kill the processes, whatever they are doing."""
        with _uninterrupted():
            self._executor.shutdown(wait=False, cancel_futures=True)
            children: list[BaseProcess] = [*multiprocessing.active_children()]
            ours = [child for child in children if child not in self._others]
            for child in ours:
                child.kill()
            for child in ours:
                child.join()
            self._executor.shutdown()  # frees its semaphores, which the interpreter would complain of


class Cluster:
    """The workers of a dask cluster, behind the same three calls as `Pool`."""

    def __init__(self, address: str) -> None:
        from distributed import Client

        self._client = Client(address, timeout=10)
        self._executor = self._client.get_executor(pure=False)

    @property
    def size(self) -> int:
        """Threads of all workers there are at present: they may come and go."""
        return max(1, sum(self._client.nthreads().values()))

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call `function` on one of the workers."""
        return self._executor.submit(function, *arguments)

    def restart(self) -> None:
        """Kill the workers, whatever they are doing, and let their nannies start new ones."""
        self._client.restart(wait_for_workers=False)

    def close(self) -> None:
        """Leave the cluster."""
        self.kill()

    def kill(self) -> None:
        """Leave the cluster, cancelling what has not begun."""
        self._executor.shutdown(wait=False)
        self._client.close()


@contextmanager
def workers(size: int, modules: Sequence[str], cluster: str | None = None) -> Iterator[Pool | Cluster]:
    """A pool of `size` processes with `modules` imported, or the dask cluster at an address; gone after the block."""
    pool = Cluster(cluster) if cluster else Pool(size, modules)
    try:
        yield pool
    except BaseException:
        pool.kill()
        raise
    pool.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put off Ctrl-C to the end of the block: a process half started or half stopped would be nobody's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    heard = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)
    if pressed:
        raise KeyboardInterrupt


def _start_forkserver(*, threads: int) -> None:
    """Start the process that workers are forked from; its libraries use `threads` threads each, and keep memory."""
    settings = {name: os.environ.get(name) or str(threads) for name in THREAD_VARIABLES} | KEEP_MEMORY
    # A killed worker cannot give back numba's semaphore; the system does, and nobody needs to hear of it.
    heard_of = os.environ.get("PYTHONWARNINGS")
    settings["PYTHONWARNINGS"] = ",".join(part for part in (heard_of, "ignore:resource_tracker:UserWarning") if part)
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited: Ctrl-C is the parent's alone, from the start
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, heard)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _follow_the_parent() -> None:
    """End when the parent ends, also by `kill -9`: two runs must not share a shard."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
