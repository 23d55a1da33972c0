"""Who is who: faces compared with those of the persons that are to be edited."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.batch.pictures import webp
from backend.batch.tasks import Face, Quad
from backend.errors import BadSetting, NoSubject
from backend.photos.align import CropFrame, extract
from backend.photos.files import photo_in, read_bytes, reading
from backend.photos.pixels import to_bytes

if TYPE_CHECKING:  # imports torch
    from backend.editing.editor import Editor

THRESHOLD = 0.45  # of the cosine similarity: benchmarks/batch_people.py --pairs
_SEEN_AT = 256  # pixels of the crop that is compared: more than the identity networks look at
_THUMBNAIL = 112


@dataclass(frozen=True, eq=False)
class Person:
    """A face that is looked for: the file's name and digest, its embedding [D] of unit length, a
    small picture (WebP), and how many faces its photo shows."""

    name: str
    sha: str
    embedding: NDArray[np.float32]
    picture: bytes = field(repr=False)
    faces: int = 1


class Likeness:
    """Compares faces with persons, by the model's identity network."""

    def __init__(self, editor: Editor, people: Sequence[Person]) -> None:
        self._editor, self._people = editor, people

    def face(self, image: NDArray[np.uint8], frame: CropFrame) -> Face:
        """A face in uint8 [H, W, 3], compared with everybody."""
        embedding, picture = embed(self._editor, image, frame)
        alike = tuple(float(embedding @ person.embedding) for person in self._people)
        return Face(tuple(map(float, frame.quad.ravel())), alike, picture)


def embed(
    editor: Editor, image: NDArray[np.uint8], frame: CropFrame
) -> tuple[NDArray[np.float32], bytes]:
    """A face's embedding [D], and a small picture of it."""
    import torch

    identity = editor.networks.identity
    assert identity is not None  # read_person has looked
    crop, _ = extract(image, frame, _SEEN_AT)
    tensor = torch.from_numpy(crop).permute(2, 0, 1)[None].to(editor.device)
    with torch.no_grad():
        vector = identity.embed(tensor)[0].float().cpu().numpy()
    return np.asarray(vector, np.float32), webp(to_bytes(crop), _THUMBNAIL)


def read_person(editor: Editor, path: Path) -> Person:
    """The person whose photo lies at `path`, the largest face in it.

    Raises BadSetting where the model tells nobody apart, NoSubject, BadImage.
    """
    if editor.networks.identity is None:
        raise BadSetting(
            f"The model '{editor.bundle.name}' tells nobody from another; leave out --person."
        )
    with reading(path):
        data = read_bytes(path)
    image = photo_in(data, path).to_u8()
    try:
        found = editor.find_subjects(image)
    except NoSubject as error:
        raise NoSubject(f"{path} shows no face; name a photo of the person's face.") from error
    embedding, picture = embed(editor, image, found[0].frame)
    sha = hashlib.sha256(data).hexdigest()
    return Person(path.name, sha, embedding, picture, len(found))


def digest(people: Sequence[Person], threshold: float) -> str:
    """What a manifest remembers of who was looked for; "" for everybody."""
    text = ",".join([*sorted(person.sha for person in people), f"{threshold:.6f}"])
    return hashlib.sha256(text.encode()).hexdigest() if people else ""


def taken(faces: Sequence[Face], threshold: float) -> dict[int, int]:
    """Which faces of one photo are taken for whom: face -> person, both by number from 0.

    Everybody is in a photo once at most: it is the most similar face that is taken.
    """
    found: dict[int, int] = {}
    for person in range(len(faces[0].likeness) if faces else 0):
        best = max(range(len(faces)), key=lambda i: faces[i].likeness[person])
        alike = faces[best].likeness
        if alike[person] >= threshold and alike[person] >= alike[found.get(best, person)]:
            found[best] = person
    return found


def quads_taken(faces: Sequence[Face], threshold: float) -> tuple[Quad, ...]:
    return tuple(faces[i].quad for i in sorted(taken(faces, threshold)))
