"""What goes wrong in object storage, in one line for a human."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

Verb = Literal["read", "write", "list", "delete"]
_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the quota is used up; free some space",
    errno.EROFS: "the file system is read-only; choose another `store`",
    errno.EACCES: "permission denied; choose a store you may use",
    errno.EFBIG: "the file is larger than this system allows",
}


class StoreError(OSError):
    """Storage cannot be used as asked; the message is one line for a human."""


class ObjectChanged(StoreError):
    """The object has other content than when it was looked at."""


@contextmanager
def explained(verb: Verb, where: Callable[[], str]) -> Iterator[None]:
    """Turn a backend's errors within it into FileNotFoundError or a StoreError of one line.

    where: the object, as a human would look for it.
    """
    try:
        yield
    except (AlreadyExistsError, PreconditionError, StoreError):
        raise
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, NotFoundError) as error:
        if verb != "write":
            raise FileNotFoundError(f"no object at {where()}") from error
        raise StoreError(f"cannot write {where()}: the bucket or folder does not exist") from error
    except (BaseError, OSError) as error:
        raise _explanation(error, verb, where()) from error


def _explanation(error: Exception, verb: Verb, where: str) -> StoreError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
        reason = "permission denied; check the credentials in the environment and the bucket's policy"
    code = re.search(r"os error (\d+)", str(error))
    number = int(code.group(1)) if code else getattr(error, "errno", None)
    return StoreError(f"cannot {verb} {where}: {_ADVICE.get(number or 0, reason)}")
