"""Faces that were looked at, kept: asking again with another threshold takes no second look."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.batch.manifest import Stamp
from backend.batch.people import Person
from backend.batch.tasks import Face, Looked, Task
from backend.photos.output import replace_file
from protocol import bounded_file

_LARGEST = 1 << 30


class Looks:
    """What is known of photos' faces, for one model and these persons."""

    def __init__(self, folder: Path, model: str, people: Sequence[Person]) -> None:
        self._path = folder / "faces.json"
        self._key = ",".join([model, *(person.sha for person in people)])
        self._known: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = bounded_file.read_json(self._path, _LARGEST)
            if kept["key"] == self._key:
                self._known = dict(kept["photos"])

    def get(self, task: Task, stamp: Stamp) -> Looked | None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            kept = self._known[task.source]
            if tuple(kept["stamp"]) == stamp:
                return Looked(task.number, tuple(_face(one) for one in kept["faces"]))
        return None

    def add(self, task: Task, stamp: Stamp, looked: Looked) -> None:
        if looked.error is None:
            faces = [
                {
                    "quad": face.quad,
                    "likeness": face.likeness,
                    "picture": base64.b64encode(face.picture).decode("ascii"),
                }
                for face in looked.faces
            ]
            self._known[task.source] = {"stamp": stamp, "faces": faces}

    def save(self) -> None:
        """Raises BadImage where it cannot be written."""
        kept = {"key": self._key, "photos": self._known}
        replace_file(self._path, json.dumps(kept).encode("ascii"))


def _face(kept: dict[str, Any]) -> Face:
    quad, alike = tuple(map(float, kept["quad"])), tuple(map(float, kept["likeness"]))
    return Face(quad, alike, base64.b64decode(kept["picture"]))
