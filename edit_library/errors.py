"""What can go wrong with the edit library: a code for programs, a sentence for people."""

from __future__ import annotations

from protocol.errors import UserError


class EditLibraryError(UserError):
    """Base of all edit library errors."""


class EditNotFound(EditLibraryError):
    code = "not_found"


class EditExists(EditLibraryError):
    code = "exists"


class WrongBundleEdit(EditLibraryError):
    """The edit was learned with another generator."""

    code = "wrong_bundle"


class BadEdit(EditLibraryError):
    """An edit's files, or the values given for one, are not what an edit may hold."""

    code = "bad_edit"


class EditNotWritable(EditLibraryError):
    """The library cannot be changed: a preset, no permission, or a full disk."""

    code = "not_writable"
