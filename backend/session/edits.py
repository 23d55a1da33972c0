"""Edits of the library, found and saved for one bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edit_library.edit import Edit, EditInfo
from edit_library.library import Library

if TYPE_CHECKING:
    from backend.bundles.bundle import Bundle


def find_edit(library: Library, bundle: Bundle, name: str) -> Edit:
    """The edit of that name; raises EditNotFound, BadEdit, or WrongBundleEdit where it was learned
    with another generator."""
    edit = library.get(bundle.name, name)
    edit.info.check_generator(bundle.sha)
    return edit


def save_edit(library: Library, bundle: Bundle, name: str, vector: Any, **about: Any) -> EditInfo:
    """Save an edit that was made with `bundle`, whose license it takes on.

    about: as `Library.save` takes it. Raises EditLibraryError.
    """
    return library.save(
        bundle.name, name, vector, generator_sha=bundle.sha, license=bundle.license, **about
    )
