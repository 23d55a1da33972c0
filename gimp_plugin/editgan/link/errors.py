"""What ends a command early. Every message is one sentence: what happened and what to do."""

from __future__ import annotations

import sys
import traceback

from link.texts import _


class PlugInError(Exception):
    """A command cannot go on; the message is for the user.

    code: the backend's error code where it came from there, for callers that can do something about
    it.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class CommandCancelled(Exception):
    """The user changed their mind."""


def unexpected(error: Exception) -> str:
    """The sentence for what should not happen; GIMP's console gets where it happened."""
    traceback.print_exception(error, file=sys.stderr)
    return _(
        "EditGAN met an unexpected problem ({kind}: {error}): "
        "the image is unchanged, please report it."
    ).format(kind=type(error).__name__, error=str(error)[:200])
