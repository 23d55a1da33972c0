"""A photo from the command line, opened in an editor."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.bundles import Bundle, find_bundle
from backend.commands.common import choose_device, progress_bar
from backend.errors import NoSubject
from backend.photos.align import CropFrame, Rect, extract
from backend.photos.photo import Photo
from backend.server.sessions import EmbeddingCache
from protocol.paths import cache_dir

_MARGIN = (
    0.05  # around the frame, in its sides: the same as the server's, so that both share embeddings
)
_THUMBNAIL = 256
DEFAULT_LEVEL = "balanced"


@dataclass(frozen=True, eq=False)
class Session:
    """An open photo: `opened` and everything the editor returns count from `rect`'s corner.

    frame: in the photo's coordinates. subjects: how many the photo shows; subject: which it is.
    """

    photo: Photo
    editor: Any
    opened: Any
    frame: CropFrame
    rect: Rect
    subject: int
    subjects: int
    level: str

    @property
    def bundle(self) -> Bundle:
        bundle: Bundle = self.editor.bundle
        return bundle

    def to_photo(self, item: Any) -> Any:
        """A mask or layer of the editor, moved to the photo's coordinates."""
        return dataclasses.replace(item, x=item.x + self.rect[0], y=item.y + self.rect[1])

    def to_editor(self, item: Any) -> Any:
        """A mask or layer in the photo's coordinates, moved to the editor's."""
        return dataclasses.replace(item, x=item.x - self.rect[0], y=item.y - self.rect[1])

    def thumbnail(self, photo: Photo) -> NDArray[np.uint8]:
        """The subject in `photo`, this one or an edited copy, uint8 [256, 256, 3]."""
        crop, _ = extract(photo.cut(), self.frame, _THUMBNAIL)
        return np.round((crop + 1) * 127.5).astype(np.uint8)

    def report(self) -> dict[str, Any]:
        """What every command says about its photo."""
        return {
            "bundle": self.bundle.name,
            "licence": self.bundle.license,
            "width": self.photo.width,
            "height": self.photo.height,
            "depth": self.photo.depth,
            "subject": self.subject,
            "subjects": self.subjects,
            "rect": list(self.rect),
            "level": self.level,
            "reconstruction": dict(self.opened.report),
        }


def open_session(
    args: argparse.Namespace, photo: Photo, *, subject: int | None = None, level: str | None = None
) -> Session:
    """Find the subject, embed it (or take the embedding kept from last time), segment it.

    subject, level: used where the command line says nothing. Raises EditGanError.
    """
    from backend.editing.editor import Editor

    bundle = find_bundle(args.bundle)
    chosen = args.subject or subject or 1
    embed_level = args.level or level or DEFAULT_LEVEL
    with progress_bar("Loading the model", quiet=args.quiet) as show:
        editor = Editor(bundle, device=choose_device(args.device))
        found = editor.find_subjects(photo.to_u8())
        if chosen > len(found):
            raise NoSubject(f"The photo shows {len(found)} subject(s); --subject {chosen} is none.")
        frame = found[chosen - 1].frame
        rect = frame.bounds(_MARGIN, photo.width, photo.height)
        opened = _open(editor, photo, frame, rect, embed_level, show)
    return Session(photo, editor, opened, frame, rect, chosen, len(found), embed_level)


def _open(
    editor: Any,
    photo: Photo,
    frame: CropFrame,
    rect: Rect,
    level: str,
    progress: Callable[[Any], None],
) -> Any:
    pixels, local = photo.cut(rect), frame.shifted(-rect[0], -rect[1])
    cache = EmbeddingCache(cache_dir())
    key = cache.key(pixels, local, editor.bundle.sha, level)
    kept = cache.get(key)
    opened = editor.open(
        pixels, local, level=level, w_plus=kept[0] if kept else None, progress=progress
    )
    if kept:
        return dataclasses.replace(opened, report={**kept[1], "from_cache": True})
    cache.put(key, opened.w_plus, opened.report)
    return opened
