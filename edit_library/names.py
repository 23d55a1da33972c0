"""Names that every file system takes, made from any title."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from edit_library.errors import BadEdit
from protocol.paths import is_folder_name

MAX_NAME = 64
MAX_TITLE = 120


def slugify(title: str) -> str:
    """The folder name for a title: lower-case ASCII letters, digits, `-` and `_`.

    The same title always gives the same name. Accents are dropped; where whole letters would be
    lost ("笑顔") a short hash keeps the names apart.
    Raises BadEdit for an empty title.
    """
    text = unicodedata.normalize("NFC", title).strip()
    if not text:
        raise BadEdit("An edit needs a name; give it one.")
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    lost = any(c.isalnum() and not c.isascii() for c in plain)
    slug = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")
    if lost or not slug or len(slug) > MAX_NAME:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        slug = f"{slug[: MAX_NAME - 9].rstrip('-_') or 'edit'}-{digest}"
    return slug if is_folder_name(slug) else f"{slug}-edit"  # "con" is a device on Windows


def is_name(text: str) -> bool:
    """Whether `text` may be an edit's folder name."""
    return is_folder_name(text) and text == text.lower()


def check_name(text: str) -> str:
    """`text` if it is an edit name; raises BadEdit."""
    if not is_name(text):
        raise BadEdit(f"{text!r} is not an edit name; use lower-case letters, digits, '-' and '_'.")
    return text
