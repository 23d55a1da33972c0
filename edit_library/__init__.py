"""Reading, writing and searching edits: editing vectors with a name, a range and thumbnails.

An edit is a folder `<library>/<bundle>/<name>/` with `edit.json`, `vector.safetensors` and,
optionally, `before.webp` and `after.webp`. Nothing here needs torch, and nothing that is read can
run code.
"""

from edit_library.edit import BrokenEdit, Edit, EditInfo
from edit_library.errors import (
    BadEdit,
    EditExists,
    EditLibraryError,
    EditNotFound,
    EditNotWritable,
    WrongBundleEdit,
)
from edit_library.library import PRESETS_DIR, Library
from edit_library.names import slugify

__all__ = [
    "PRESETS_DIR",
    "BadEdit",
    "BrokenEdit",
    "Edit",
    "EditExists",
    "EditInfo",
    "EditLibraryError",
    "EditNotFound",
    "EditNotWritable",
    "Library",
    "WrongBundleEdit",
    "slugify",
]
