"""Names that every file system takes, made from any title."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from edit_library.errors import BadEdit

MAX_NAME = 64
MAX_TITLE = 120

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_BUNDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{device}{number}" for device in ("com", "lpt") for number in range(10)
}


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
    return f"{slug}-edit" if slug in _WINDOWS_DEVICES else slug


def is_name(text: str) -> bool:
    """Whether `text` may be an edit's folder name."""
    return _NAME.fullmatch(text) is not None and text not in _WINDOWS_DEVICES


def check_name(text: str) -> str:
    """`text` if it is an edit name; raises BadEdit."""
    if not is_name(text):
        raise BadEdit(f"{text!r} is not an edit name; use lower-case letters, digits, '-' and '_'.")
    return text


def is_bundle_name(text: str) -> bool:
    """Whether `text` may be a bundle's folder name."""
    return _BUNDLE.fullmatch(text) is not None and text.lower() not in _WINDOWS_DEVICES


def check_bundle_name(text: str) -> str:
    """`text` if it is a bundle name; raises BadEdit."""
    if not is_bundle_name(text):
        raise BadEdit(f"{text!r} is not a bundle name; use letters, digits, '-' and '_'.")
    return text
