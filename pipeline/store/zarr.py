"""A zarr store that lives in a folder of another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import ObjectStore

from pipeline.store import traffic


class PrefixStore(Store):
    """The folder `prefix` of an object store; keys are relative to it."""

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(self, inner: ObjectStore[Any], prefix: str, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self.inner = inner
        self.prefix = prefix.strip("/")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrefixStore) and (self.inner, self.prefix) == (other.inner, other.prefix)

    def __hash__(self) -> int:
        return hash(self.prefix)

    def with_read_only(self, read_only: bool = False) -> PrefixStore:
        """The same folder, writable or not."""
        return PrefixStore(self.inner, self.prefix, read_only=read_only)

    def _path(self, key: str) -> str:
        return "/".join(part for part in (self.prefix, key) if part)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:  # inherited
        traffic.asked("read")
        found = await self.inner.get(self._path(key), prototype, byte_range)
        traffic.moved(read=0 if found is None else len(found))
        return found

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        ranges = [(self._path(key), byte_range) for key, byte_range in key_ranges]
        return await self.inner.get_partial_values(prototype, ranges)

    async def exists(self, key: str) -> bool:
        return await self.inner.exists(self._path(key))

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        traffic.asked("write")
        traffic.moved(written=len(value))
        await self.inner.set(self._path(key), value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        self._check_writable()
        await self.inner.set_if_not_exists(self._path(key), value)

    async def delete(self, key: str) -> None:
        self._check_writable()
        await self.inner.delete(self._path(key))

    async def list(self) -> AsyncIterator[str]:
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        async for key in self.inner.list_prefix(self._path(prefix.rstrip("/"))):
            yield key[len(self.prefix) :].lstrip("/")

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        async for key in self.inner.list_dir(self._path(prefix.strip("/"))):
            yield key
