"""Who does what, where workers have only a number: the shards of a stage that were not done
when it was planned, and which are not done now.

Imports nothing heavy: a Lambda reads it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipeline import journal, paths
from pipeline.cycle import Cycle
from pipeline.stages import PUBLICATION, STAGES
from pipeline.store import Store


def write(store: Store, hour: Cycle, stage: str, shards: Sequence[str]) -> None:
    """Plan the shards of a stage, in this order."""
    store.write(paths.worklist(hour, stage), json.dumps(list(shards)).encode())


def read(store: Store, hour: Cycle, stage: str) -> list[str]:
    """The planned shards of a stage; FileNotFoundError before it has been planned."""
    shards: list[str] = json.loads(store.read(paths.worklist(hour, stage)))
    return shards


def missing(store: Store, hour: Cycle, stage: str) -> list[str]:
    """The planned shards that are not finished; FileNotFoundError before the stage has been planned."""
    planned = read(store, hour, stage)
    finished = journal.finished_shards(store, hour, stage)
    return [shard for shard in planned if shard not in finished]


def is_whole(store: Store, hour: Cycle, stage: str) -> bool:
    """Whether every planned shard is finished; of a stage that was never planned none is: the hour went on."""
    try:
        return not missing(store, hour, stage)
    except FileNotFoundError:
        return False


def unfinished(store: Store, hour: Cycle) -> list[str]:
    """The stages up to publication that are not whole, in the order of the table."""
    names = [row.name for row in STAGES]
    asked = names[: names.index(PUBLICATION) + 1]
    with ThreadPoolExecutor(len(asked)) as askers:  # each waits for answers of the store
        whole = list(askers.map(partial(is_whole, store, hour), asked))
    return [name for name, done in zip(asked, whole, strict=True) if not done]
