"""What `hourcast rerun` does: a whole hour as one job, which yields its machine after a while and goes on later."""

from __future__ import annotations

import sys

from pipeline.cycle import Cycle
from pipeline.operate import MODULES
from pipeline.runner import PASSING, StageError, run
from pipeline.runner.pool import workers
from pipeline.runner.progress import watched
from pipeline.runner.worker import Exit
from pipeline.steps import Deployment


def rerun(store: str, cycle: str, processes: int, minutes: float) -> Exit:
    """Run what is not finished of an hour by so many processes, beginning no shard after so many minutes.

    MAY_PASS until all is done: the same call again goes on. Problems go to stderr.
    """
    try:
        hour, deployment = Cycle.parse(cycle), Deployment.in_store(store)
        with workers(processes, MODULES) as pool, watched(f"Hour {hour} into {store}") as watcher:
            done = run(deployment, [hour], pool, watcher, seconds=60 * minutes)
    except ValueError as error:
        print(f"hourcast: {error}", file=sys.stderr)
        return Exit.BAD_INPUT
    except (StageError, OSError) as error:
        print(f"hourcast: {error}", file=sys.stderr)
        return Exit.MAY_PASS if isinstance(error.__cause__ or error, PASSING) else Exit.WOULD_FAIL_AGAIN
    return Exit.DONE if done else Exit.MAY_PASS
