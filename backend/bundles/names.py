"""The names that bundles may have: they are folder names too."""

from __future__ import annotations

from backend.errors import BadSetting
from protocol.paths import is_folder_name

UNKNOWN_DOMAIN = "other"  # of a model of which nobody said what it draws
NO_LICENCE = "Not stated in the checkpoint: the terms of whoever made it apply."


def check_bundle_name(text: str) -> str:
    """`text` if a bundle may be named so; raises BadSetting."""
    if not is_folder_name(text):
        raise BadSetting(f"{text!r} is not a bundle name; use letters, digits, '-' and '_'.")
    return text
