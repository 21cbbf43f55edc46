"""The only door to object storage: `file://`, `s3://`, `memory://` and read-only `http(s)://`, through obstore.

Every write is atomic: a reader sees the old object or the new one, never a part. Requests to a server are retried
with exponential backoff and jitter by obstore; conditional updates are retried here.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from pipeline.store import backends as store_backends
from pipeline.store import traffic
from pipeline.store.errors import ObjectChanged, StoreError, Verb, explained
from pipeline.store.locks import locked

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta, PutMode, UpdateVersion
    from zarr.abc.store import Store as ZarrStore

__all__ = ["ObjectChanged", "ObjectInfo", "Store", "StoreError"]

_UPDATE_ATTEMPTS = 200
_memory_stores = itertools.count()
# What a process killed in the middle of a write leaves behind: obstore's `name#1`, zarr's `name.<uuid>.partial`.
_UNFINISHED = re.compile(r"(#\d+|\.[0-9a-f]{32}\.partial)$")
_LOCK = re.compile(r"(^|/)\.[^/]*\.lock$")


@dataclass(frozen=True)
class ObjectInfo:
    """One stored object; `size` in bytes."""

    key: str
    size: int
    last_modified: datetime


_Objects = list[ObjectInfo]


@dataclass(frozen=True)
class Store:
    """A folder of an object store; keys are relative to it and use `/`. Open one with `Store.open`."""

    url: str
    endpoint: str | None
    anonymous: bool
    prefix: str
    backend: Any = field(compare=False, repr=False)

    @classmethod
    def open(cls, url: str, *, endpoint: str | None = None, anonymous: bool = False) -> Store:
        """Open `file://folder`, `s3://bucket/prefix`, `memory://` or `https://host/path` (reading only).

        `endpoint` says where the bucket really is: `http(s)://host` of a server that speaks S3, or the `file://`,
        `s3://` folder of a mirror in which the bucket is the folder of its name. Raises StoreError.
        """
        if endpoint and "://" in endpoint and not endpoint.startswith("http"):
            return cls.open(f"{endpoint.rstrip('/')}/{url.rstrip('/').rsplit('/', 1)[-1]}", anonymous=anonymous)
        scheme, separator, rest = url.partition("://")
        if not separator and "://" not in url:
            scheme, rest = "file", url
        if scheme == "file" and rest:
            root = Path(rest).expanduser().resolve()
            return cls(f"file://{root}", None, anonymous, str(root).strip("/"), obstore.store.LocalStore())
        if scheme == "memory":
            url = f"memory://{next(_memory_stores)}"  # a store of its own, equal to no other
            return cls(url, None, anonymous, rest.strip("/"), obstore.store.MemoryStore())
        bucket, _, prefix = rest.partition("/")
        if scheme == "s3" and bucket:
            return cls(url, endpoint, anonymous, prefix.strip("/"), store_backends.s3(bucket, endpoint, anonymous))
        if scheme in ("http", "https") and bucket:
            address = f"{endpoint.rstrip('/')}/{url.rstrip('/').rsplit('/', 1)[-1]}" if endpoint else url.rstrip("/")
            return cls(url, endpoint, anonymous, "", store_backends.http(address))
        raise StoreError(f"expected a store such as file://folder, s3://bucket/prefix or memory://; found {url!r}")

    def __reduce__(self) -> tuple[Callable[..., Store], tuple[str, str | None, bool, str]]:
        if self.url.startswith("memory://"):
            raise StoreError("a memory:// store lives in one process; use file:// or s3:// to share it with workers")
        return _reopen, (self.url, self.endpoint, self.anonymous, self.prefix)

    def child(self, prefix: str) -> Store:
        """The same store, seen from the folder `prefix`."""
        return Store(self.url, self.endpoint, self.anonymous, self._path(prefix), self.backend)

    def read(self, key: str) -> bytes:
        """The whole object; FileNotFoundError if there is none."""
        with self._explained("read", key):
            if self._is_local:  # ten times as fast as through a backend, and a month of learning reads a lot
                with open(f"/{self._path(key)}", "rb", buffering=0) as file:
                    data = file.read()
            else:
                data = bytes(obstore.get(self.backend, self._path(key)).bytes())
        traffic.moved(read=len(data))
        return data

    def read_range(self, key: str, start: int, end: int, tag: str | None = None) -> bytes:
        """Bytes start to end (exclusive) of the object; FileNotFoundError if there is none.

        ObjectChanged if its content has no longer the `tag` that `version` gave.
        """
        options: GetOptions = {"range": (start, end)}
        if tag is not None:
            options["if_match"] = tag
        traffic.moved(read=end - start)
        try:
            with self._explained("read", key):
                if not self._is_local:
                    return bytes(obstore.get(self.backend, self._path(key), options=options).bytes())
                with open(f"/{self._path(key)}", "rb") as file:
                    if tag in (None, _tag(os.fstat(file.fileno()))):
                        file.seek(start)
                        return file.read(end - start)
        except PreconditionError:
            pass
        raise ObjectChanged(f"{self._where(key)} was replaced while it was read")

    def write(self, key: str, data: bytes) -> None:
        """Put the object, replacing what was there, atomically; StoreError if the store does not take it."""
        traffic.moved(written=len(data))
        with self._explained("write", key):
            obstore.put(self.backend, self._path(key), data)

    def write_new(self, key: str, data: bytes) -> bool:
        """Put the object only if there is none; of several writers one gets True, none if its answer was lost."""
        traffic.moved(written=len(data))
        try:
            with self._explained("write", key):
                obstore.put(self.backend, self._path(key), data, mode="create")
        except (AlreadyExistsError, PreconditionError):
            return False
        return True

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace the object by `change` of it (None: absent), again if another writer came in between."""
        for attempt in range(_UPDATE_ATTEMPTS):
            with locked(Path("/", self._path(key))) if self._is_local else nullcontext():
                if self._try_update(key, change):
                    return
            time.sleep(random.uniform(0, min(1.0, 0.01 * 2**attempt)))
        raise StoreError(f"cannot update {self._where(key)}: {_UPDATE_ATTEMPTS} other writers came first; try again")

    def _try_update(self, key: str, change: Callable[[bytes | None], bytes]) -> bool:
        path, old = self._path(key), None
        mode: PutMode = "create"
        try:
            with self._explained("read", key):
                result = obstore.get(self.backend, path)
                old = bytes(result.bytes())
                meta = result.meta
            # A local file has no conditional put: the lock stands in for it.
            mode = "overwrite" if self._is_local else _version(meta)
        except FileNotFoundError:
            pass
        new = change(old)
        if new == old:
            return True
        try:
            with self._explained("write", key):
                obstore.put(self.backend, path, new, mode=mode)
        except (AlreadyExistsError, PreconditionError):
            return False
        return True

    def exists(self, key: str) -> bool:
        """Whether there is an object at `key` (a folder is none)."""
        try:
            self.size(key)
        except FileNotFoundError:
            return False
        return True

    def size(self, key: str) -> int:
        """Bytes of the object; FileNotFoundError if there is none."""
        return self.version(key)[0]

    def version(self, key: str) -> tuple[int, str | None]:
        """Bytes of the object and a tag of its present content, if the server gives one that can be asked for.

        FileNotFoundError if there is no object.
        """
        with self._explained("read", key):
            if self._is_local:
                found = os.stat(f"/{self._path(key)}")
                if not stat.S_ISREG(found.st_mode):
                    raise FileNotFoundError
                return found.st_size, _tag(found)
            meta = obstore.head(self.backend, self._path(key))
        tag = meta["e_tag"]
        return int(meta["size"]), None if tag is None or tag.startswith("W/") else tag

    def list_folders(self, prefix: str) -> list[str]:
        """Names of the folders immediately below `prefix`, sorted."""
        with self._explained("list", prefix):
            if self._is_local:
                path = Path("/", self._path(prefix))
                return sorted(entry.name for entry in os.scandir(path) if entry.is_dir()) if path.is_dir() else []
            result = obstore.list_with_delimiter(self.backend, self._path(prefix) or None)
        return sorted(path.rsplit("/", 1)[-1] for path in result["common_prefixes"])

    def delete(self, prefix: str) -> None:
        """Remove the object `prefix` and every object below it; nothing there is fine."""
        with self._explained("delete", prefix):
            if self._is_local:
                self._delete_local(Path("/", self._path(prefix)))
                return
            paths = [self._path(info.key) for info in self.list(prefix)]
            obstore.delete(self.backend, [*paths, self._path(prefix)])

    @staticmethod
    def _delete_local(path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def remove_unfinished(self, prefix: str) -> None:
        """Remove what killed writers left below `prefix`; only for a folder that nobody is writing."""
        if self._is_local:
            for path in Path("/", self._path(prefix)).rglob("*"):
                if _UNFINISHED.search(path.name):
                    path.unlink(missing_ok=True)

    def zarr(self, key: str) -> ZarrStore:
        """The folder `key` as a store for zarr and xarray."""
        from zarr.storage import LocalStore, ObjectStore

        from pipeline.store.zarr import PrefixStore

        if self._is_local:
            return LocalStore(Path("/", self._path(key)))
        return PrefixStore(ObjectStore(self.backend), self._path(key))

    def list(self, prefix: str) -> _Objects:
        """Every object below the folder `prefix`, sorted by key; empty if there is none."""
        found = []
        with self._explained("list", prefix):
            for batch in obstore.list(self.backend, self._path(prefix) or None):
                for item in batch:
                    key = item["path"][len(self.prefix) :].strip("/")
                    if not _UNFINISHED.search(key) and not _LOCK.search(key):
                        found.append(ObjectInfo(key, item["size"], item["last_modified"]))
        return sorted(found, key=lambda info: info.key)

    @property
    def _is_local(self) -> bool:
        return self.url.startswith("file://")

    def _path(self, key: str) -> str:
        if ".." in key.split("/"):
            raise StoreError(f"expected a key inside {self.url}; found {key[:80]!r}")
        return "/".join(part for part in (self.prefix, key.strip("/")) if part)

    def _where(self, key: str) -> str:
        if self._is_local:
            return f"file:///{self._path(key)}"
        scheme, _, bucket = self.url.partition("://")
        return f"{scheme}://{bucket.split('/')[0]}/{self._path(key)}"

    def _explained(self, verb: Verb, key: str) -> AbstractContextManager[None]:
        traffic.asked(verb)
        return explained(verb, partial(self._where, key))


def _reopen(url: str, endpoint: str | None, anonymous: bool, prefix: str) -> Store:
    opened = Store.open(url, endpoint=endpoint, anonymous=anonymous)
    return Store(opened.url, opened.endpoint, anonymous, prefix, opened.backend)


def _tag(found: os.stat_result) -> str:
    """Of a file's content: a write puts another file in its place."""
    return f"{found.st_ino} {found.st_mtime_ns} {found.st_size}"


def _version(meta: ObjectMeta) -> UpdateVersion:
    version: UpdateVersion = {}
    if meta["e_tag"]:
        version["e_tag"] = meta["e_tag"]
    if meta["version"]:
        version["version"] = meta["version"]
    return version
