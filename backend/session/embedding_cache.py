"""Embeddings kept on disk: a photo that was opened before is ready at once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.photos.align import CropFrame
from backend.session.plain_json import plain
from protocol import bounded_file
from protocol.facts import PhotoReport
from protocol.typed import from_known

_log = logging.getLogger(__name__)

_LARGEST = 4 << 20  # bytes of a file
_STALE_S = 3600.0  # after which a temporary file is nobody's
_MAX_EMBEDDINGS = 2000  # files of about 30 kB each
_FORMAT = 2  # part of every key: raise it when the embedding's meaning changes


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

    def get(self, key: str) -> tuple[NDArray[np.float32], PhotoReport] | None:
        path = self._path(key)
        try:
            data = io.BytesIO(bounded_file.read(path, _LARGEST))
            with np.load(data, allow_pickle=False) as content:
                w_plus, text = content["w_plus"], content["report"].tobytes()
            if w_plus.dtype != np.float32 or w_plus.ndim != 2 or not np.isfinite(w_plus).all():
                raise ValueError("not an embedding")
            report: PhotoReport = from_known(PhotoReport, json.loads(text), (), "report")
            os.utime(path)  # recently used
        except FileNotFoundError:
            return None
        except Exception as error:  # damaged: numpy raises many kinds; it is only a cache
            _log.warning("embedding %s dropped: %s", path.name, error)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return w_plus, report

    def put(self, key: str, w_plus: NDArray[np.float32], report: PhotoReport) -> None:
        """Keep an embedding; a full disk is no reason to fail."""
        text = np.frombuffer(json.dumps(plain(report)).encode(), np.uint8)
        temporary = None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                np.savez(file, w_plus=np.asarray(w_plus, np.float32), report=text)
            os.replace(temporary, self._path(key))
            self._prune()
        except OSError as error:
            _log.warning("embedding not kept: %s", error)
            if temporary:
                Path(temporary).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what an earlier process left half done."""
        before = time.time() - _STALE_S
        with contextlib.suppress(OSError):
            for path in self._folder.glob("*.tmp"):
                if path.lstat().st_mtime < before:
                    path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_MAX_EMBEDDINGS]:
            path.unlink(missing_ok=True)
