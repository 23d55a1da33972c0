"""Errors that a user can act on: each carries a code for programs and a sentence for people."""

from __future__ import annotations


class EditGanError(Exception):
    """Base of all expected errors.

    `code` is stable and machine-readable; `message` is one sentence: what happened, what to do.
    """

    code = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NoSubject(EditGanError):
    code = "no_subject"


class BadImage(EditGanError):
    code = "bad_image"


class NothingChanged(EditGanError):
    code = "nothing_changed"


class UnknownBundle(EditGanError):
    code = "unknown_bundle"


class UnknownEdit(EditGanError):
    code = "unknown_edit"


class WrongBundle(EditGanError):
    code = "wrong_bundle"


class UnknownPart(WrongBundle):
    """A layer or palette names a part that the bundle does not have."""


class BadSetting(EditGanError):
    """A number or name that was given to steer the work cannot be used."""

    code = "bad_setting"


class NoDevice(EditGanError):
    """The device that was asked for is not there."""

    code = "no_device"


class UnknownRecipe(EditGanError):
    code = "unknown_recipe"


class BadBundle(EditGanError):
    """A bundle's files are missing, damaged or not what `bundle.json` says."""

    code = "bad_bundle"


class IncompleteBundle(EditGanError):
    """A bundle whose generator works, but which has no encoder or no parts yet."""

    code = "incomplete_bundle"


class Cancelled(EditGanError):
    code = "cancelled"

    def __init__(self, message: str = "The job was cancelled.") -> None:
        super().__init__(message)
