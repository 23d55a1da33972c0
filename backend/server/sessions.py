"""The photos that clients have opened."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.errors import UserError
from protocol.geometry import Rect

_log = logging.getLogger(__name__)


class UnknownPhoto(UserError):
    code = "unknown_photo"


@dataclass
class Session:
    """One open photo.

    rect: the part of the photo that we have. opened: the engine's OpenPhoto, whose
    pixels and frame are in that part's coordinates.
    """

    photo: str
    bundle: str
    rect: Rect
    opened: Any
    views: dict[str, Any] = field(default_factory=dict)  # the engine's View, by device
    looks: dict[str, NDArray[np.uint8]] = field(default_factory=dict)  # thumbnails, by edit
    live: NDArray[np.float32] | None = None  # delta w+ of the last LiveRepaint

    @property
    def bytes(self) -> int:
        return int(self.opened.pixels.nbytes) + sum(part.alpha.nbytes for part in self.opened.parts)


class PhotoStore:
    """The most recently used photos, up to `limit` bytes; the newest always stays."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, photo: str) -> Session:
        """Raises UnknownPhoto: the client must send Segment again."""
        if photo not in self._sessions:
            raise UnknownPhoto("The backend does not have this photo any more; segment it again.")
        self._sessions.move_to_end(photo)
        return self._sessions[photo]

    def put(self, session: Session) -> None:
        self._sessions[session.photo] = session
        self._sessions.move_to_end(session.photo)
        while len(self._sessions) > 1 and self._bytes() > self._limit:
            old, _ = self._sessions.popitem(last=False)
            _log.info("photo %s closed to save memory", old)

    def _bytes(self) -> int:
        return sum(session.bytes for session in self._sessions.values())
