"""The photos that clients have opened."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from protocol.errors import UserError
from protocol.geometry import Rect

if TYPE_CHECKING:
    from backend.editing.results import OpenPhoto
    from backend.server.editors import Previewer

_log = logging.getLogger(__name__)

_THUMBNAILS = 32 << 20  # bytes of them for one photo
_PREVIEWER_BYTES = 3 << 20  # of a photo at the size of a screen


class UnknownPhoto(UserError):
    code = "unknown_photo"


@dataclass
class PhotoSession:
    """One open photo.

    rect: the part of the photo that we have. opened: the engine's OpenPhoto, whose
    pixels and frame are in that part's coordinates. key: of its embedding in the cache.
    """

    photo: str
    bundle: str
    rect: Rect
    opened: OpenPhoto
    key: str = ""
    previewers: dict[str, Previewer] = field(default_factory=dict)  # by device
    thumbnails: Thumbnails = field(default_factory=lambda: Thumbnails(_THUMBNAILS))  # by edit
    live: NDArray[np.float32] | None = None  # delta w+ of the last LiveRepaint

    @property
    def bytes(self) -> int:
        """What it holds, the previewers as far as they are large at all."""
        parts = sum(part.alpha.nbytes for part in self.opened.drawn)
        views = _PREVIEWER_BYTES * len(self.previewers)
        return int(self.opened.pixels.nbytes) + parts + self.thumbnails.bytes + views


class Thumbnails:
    """Pictures by key, the most recently used ones up to `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pictures: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()
        self.bytes = 0

    def get(self, key: str) -> NDArray[np.uint8] | None:
        if key not in self._pictures:
            return None
        self._pictures.move_to_end(key)
        return self._pictures[key]

    def put(self, key: str, picture: NDArray[np.uint8]) -> None:
        if (old := self._pictures.pop(key, None)) is not None:
            self.bytes -= old.nbytes
        self._pictures[key] = picture
        self.bytes += picture.nbytes
        while self.bytes > self._limit:
            self.bytes -= self._pictures.popitem(last=False)[1].nbytes


class PhotoStore:
    """The most recently used photos, up to `limit` bytes; the newest always stays."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, PhotoSession] = OrderedDict()
        self._changing = threading.Lock()  # a thread that was given up may come back

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, photo: str) -> PhotoSession:
        """Raises UnknownPhoto: the client must send Segment again."""
        with self._changing:
            if photo not in self._sessions:
                raise UnknownPhoto("The backend no longer has this photo; segment it again.")
            self._sessions.move_to_end(photo)
            return self._sessions[photo]

    def same(
        self, photo: str, key: str, w_plus: NDArray[np.float32] | None = None
    ) -> PhotoSession | None:
        """The photo, if it is open with the embedding of that key; w_plus: which that must be."""
        with self._changing:
            session = self._sessions.get(photo)
            if session is not None:
                self._sessions.move_to_end(photo)
        if session is None or session.key != key or session.opened.report.ended_early:
            return None
        known = w_plus is None or np.array_equal(w_plus, session.opened.w_plus)
        return session if known else None

    def put(self, session: PhotoSession) -> None:
        with self._changing:
            self._sessions[session.photo] = session
            self._sessions.move_to_end(session.photo)
            self._shrink()

    def close_all_of(self, bundle: str) -> None:
        """A bundle has changed: its photos are sent again when they are next needed."""
        with self._changing:
            for photo in [p for p, one in self._sessions.items() if one.bundle == bundle]:
                del self._sessions[photo]

    def drop_previewers(self) -> None:
        """Forget what belongs to engines that are given up; the photos stay."""
        with self._changing:
            for session in self._sessions.values():
                session.previewers.clear()

    def shrink(self) -> None:
        """Close the photos that were not used for longest, while there are too many bytes."""
        with self._changing:
            self._shrink()

    def _shrink(self) -> None:
        while len(self._sessions) > 1 and self._bytes() > self._limit:
            old, _ = self._sessions.popitem(last=False)
            _log.info("photo %s closed to save memory", old)

    def _bytes(self) -> int:
        return sum(session.bytes for session in self._sessions.values())
