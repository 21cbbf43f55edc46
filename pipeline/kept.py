"""Keeps arrays that will be asked for again, as many as a number of bytes holds."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

Array = TypeVar("Array", bound=NDArray[Any])


class Kept(Generic[Array]):
    """The arrays last asked for, by key; the one that was not asked for the longest goes first."""

    def __init__(self, octets: int) -> None:
        self._room = octets
        self._arrays: dict[Hashable, Array] = {}

    def get(self, key: Hashable) -> Array | None:
        """The array of the key, None where it is not kept."""
        array = self._arrays.pop(key, None)
        if array is not None:
            self._arrays[key] = array
        return array

    def put(self, key: Hashable, array: Array) -> None:
        """Keep an array, even one that is larger than the room is; the key must not be kept yet."""
        self._room -= array.nbytes
        while self._arrays and self._room < 0:
            self._room += self._arrays.pop(next(iter(self._arrays))).nbytes
        self._arrays[key] = array
