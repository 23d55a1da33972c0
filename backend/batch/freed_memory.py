"""Memory that a member frees stays its own: the next step of its embedding takes the same again."""

from __future__ import annotations

import contextlib
import ctypes

from backend.session.memory import resident_mb

_MOST = 1500.0  # MB that a process may hold before it gives back what is free
# Options of glibc's mallopt, and what they are set to.
_KEEPING = (
    (-8, 1),  # M_ARENA_MAX: one heap for all threads, that pieces freed by one serve another
    (-3, 32 << 20),  # M_MMAP_THRESHOLD, the most that glibc takes: photos are still given back
    (-1, 2**31 - 1),  # M_TRIM_THRESHOLD: the heap does not shrink
)


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, in pieces of up to 32 MB; False: it cannot be asked.

    A step of an embedding frees some hundred megabytes, which the system would take back and hand
    out again page by page, each of them zeroed. To be called before threads are started.
    """
    with contextlib.suppress(OSError, TypeError, AttributeError):  # no glibc
        mallopt = ctypes.CDLL(None).mallopt
        return all([bool(mallopt(option, value)) for option, value in _KEEPING])
    return False


def give_back_freed_memory(most: float = _MOST) -> None:
    """Let the system have what is free where this process holds more than `most` MB.

    Freed pieces lie between others, so that a member holds more after every photo, by ever less.
    """
    if resident_mb() > most:
        with contextlib.suppress(OSError, AttributeError):  # no glibc
            ctypes.CDLL(None).malloc_trim(0)
