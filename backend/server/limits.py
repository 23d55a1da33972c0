"""What the system must allow before the backend can start."""

from __future__ import annotations

import contextlib

from protocol.errors import UserError

_FEWEST_FILES = 32


class CannotStart(UserError):
    """A folder or file that the backend needs cannot be used."""

    code = "cannot_start"


def allow_files() -> None:
    """See that enough files may be open at a time, for libzmq ends a process that cannot open one.

    Raises CannotStart.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < _FEWEST_FILES:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (_FEWEST_FILES, most))
            return
        raise CannotStart(
            f"The backend may open {most} files at a time, which are too few: allow more "
            "(ulimit -n 1024), then try again."
        )
