"""What the backend raises where a user can act: a code for programs, a sentence for people."""

from __future__ import annotations

import errno

from protocol.errors import UserError

EditGanError = UserError


class NoSubject(UserError):
    code = "no_subject"


class BadImage(UserError):
    code = "bad_image"


class NothingChanged(UserError):
    code = "nothing_changed"


class UnknownBundle(UserError):
    code = "unknown_bundle"


class UnknownEdit(UserError):
    code = "unknown_edit"


class WrongBundle(UserError):
    code = "wrong_bundle"


class UnknownPart(WrongBundle):
    """A layer or palette names a part that the bundle does not have."""


class BadSetting(UserError):
    """A number or name that was given to steer the work cannot be used."""

    code = "bad_setting"


class NoDevice(UserError):
    """The device that was asked for is not there."""

    code = "no_device"


class UnknownRecipe(UserError):
    code = "unknown_recipe"


class BadBundle(UserError):
    """A bundle's files are missing, damaged or not what `bundle.json` says."""

    code = "bad_bundle"


class IncompleteBundle(UserError):
    """A bundle whose generator works, but which has no encoder or no parts yet."""

    code = "incomplete_bundle"


class JobCancelled(UserError):
    code = "cancelled"

    def __init__(self, message: str = "The job was cancelled.") -> None:
        super().__init__(message)


class TooLittleMemory(UserError):
    code = "out_of_memory"


_ADDRESS_SPACE_GB = 2  # that libraries and networks take


def check_address_space() -> None:
    """Raises TooLittleMemory where this process may not have the memory that networks take:
    libraries would end it, while their threads start, without a word.
    """
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    except (ImportError, OSError, AttributeError):  # Windows has no such limit
        return
    if resource.RLIM_INFINITY != limit < _ADDRESS_SPACE_GB << 30:
        raise TooLittleMemory(
            f"There is not enough memory for this: a process may have {limit / 2**30:.1f} GB here "
            f"(ulimit -v), and {_ADDRESS_SPACE_GB} GB are needed; raise that limit."
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the machine ran out of memory: torch has several ways to say so, and
    the system says it of libraries that are no longer loaded, too."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    text = str(error).lower()
    words = ("out of memory", "allocate memory", "alloc_failed", "failed to map segment")
    return isinstance(error, RuntimeError | ImportError | OSError) and any(w in text for w in words)
