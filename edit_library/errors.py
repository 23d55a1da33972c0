"""What can go wrong with the edit library: a code for programs, a sentence for people."""

from __future__ import annotations


class EditLibraryError(Exception):
    """Base of all edit library errors; the same shape as the backend's errors.

    `code` is stable and machine-readable; `message` is one sentence saying what happened and what
    to do.
    """

    code = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class EditNotFound(EditLibraryError):
    code = "not_found"


class EditExists(EditLibraryError):
    code = "exists"


class WrongBundleEdit(EditLibraryError):
    """The edit was learnt with another generator."""

    code = "wrong_bundle"


class BadEdit(EditLibraryError):
    """An edit's files, or the values given for one, are not what an edit may hold."""

    code = "bad_edit"


class EditNotWritable(EditLibraryError):
    """The library cannot be changed: a preset, no permission, or a full disk."""

    code = "not_writable"
