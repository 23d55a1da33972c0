"""The photos that are open, and embeddings kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import EditGanError
from backend.photos.align import CropFrame
from backend.server.convert import plain

_log = logging.getLogger(__name__)

_MAX_EMBEDDINGS = 2000  # files of about 30 kB each
_FORMAT = 2  # part of every key: raise it when the embedding's meaning changes


class UnknownPhoto(EditGanError):
    code = "unknown_photo"


@dataclass
class Session:
    """One open photo.

    rect: the part of the photo that we have, x, y, w, h. opened: the engine's OpenPhoto, whose
    pixels and frame are in that part's coordinates.
    """

    photo: str
    bundle: str
    rect: tuple[int, int, int, int]
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


class EmbeddingCache:
    """w_plus and report by photo, frame, bundle and level: a photo opened again is ready at
    once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def key(pixels: NDArray[Any], frame: CropFrame, bundle_sha: str, level: str) -> str:
        digest = hashlib.sha256()
        meta = [_FORMAT, list(pixels.shape), str(pixels.dtype), bundle_sha, level]
        digest.update(json.dumps(meta).encode())
        digest.update(np.ascontiguousarray(frame.quad, "<f8").tobytes())
        digest.update(np.ascontiguousarray(pixels).data)
        return digest.hexdigest()

    def get(self, key: str) -> tuple[NDArray[np.float32], dict[str, Any]] | None:
        path = self._path(key)
        try:
            with np.load(path, allow_pickle=False) as content:
                w_plus, report = content["w_plus"], json.loads(content["report"].tobytes())
            if w_plus.dtype != np.float32 or w_plus.ndim != 2 or not np.isfinite(w_plus).all():
                raise ValueError("not an embedding")
            os.utime(path)  # recently used
        except FileNotFoundError:
            return None
        except Exception as error:  # damaged: numpy raises many kinds; it is only a cache
            _log.warning("embedding %s dropped: %s", path.name, error)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return w_plus, report

    def put(self, key: str, w_plus: NDArray[np.float32], report: dict[str, Any]) -> None:
        """Keep an embedding; a full disk is no reason to fail."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            text = np.frombuffer(json.dumps(plain(report)).encode(), np.uint8)
            handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                np.savez(file, w_plus=np.asarray(w_plus, np.float32), report=text)
            os.replace(temporary, self._path(key))
            self._prune()
        except OSError as error:
            _log.warning("embedding not kept: %s", error)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_MAX_EMBEDDINGS]:
            path.unlink(missing_ok=True)
