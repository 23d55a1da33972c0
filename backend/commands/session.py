"""A photo from the command line: its subject found, then opened in an editor."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backend.bundles import Bundle, find_bundle
from backend.commands.arguments import LEVELS
from backend.commands.inputs import choose_device
from backend.commands.progress import progress_bar
from backend.errors import EditGanError, NoSubject
from backend.photos.align import CropFrame, Rect, extract
from backend.photos.files import read_photo
from backend.photos.photo import Photo
from backend.server.sessions import EmbeddingCache
from protocol.paths import cache_dir

if TYPE_CHECKING:
    from backend.editing.editor import Editor
    from backend.editing.results import OpenPhoto
    from backend.photos.composite import ResultLayer
    from backend.photos.painted import PaintedLayer
    from backend.photos.parts import PartMask, PlacedMask

# What lies somewhere in the photo, by its corner x, y.
Placed = TypeVar("Placed", "PartMask", "PlacedMask", "PaintedLayer", "ResultLayer")

DEFAULT_LEVEL = "balanced"
_MARGIN = 0.05  # around the frame, in its sides; the server's too, so that both share embeddings
_THUMBNAIL = 256


@dataclass(frozen=True, eq=False)
class Place:
    """A subject in a photo.

    frame: in the photo's coordinates. rect: the photo's part that the editor gets. number: which of
    `subjects` it is, from 1. sample: a picture of the model's own, which is open from the start.
    """

    photo: Photo
    editor: Editor
    frame: CropFrame
    rect: Rect
    number: int
    subjects: int
    sample: OpenPhoto | None = None

    def kept_levels(self) -> list[str]:
        """The levels at which the subject was embedded before."""
        return [level for level in LEVELS if _cache().get(self._key(level))]

    def open(self, level: str, *, quiet: bool) -> Session:
        """Embed the subject, or take the embedding kept from last time, and segment it."""
        if self.sample:
            return Session(self, self.sample, "known")
        kept = _cache().get(self._key(level))
        pixels, frame = self._local()
        with progress_bar("Embedding", quiet=quiet) as show:
            opened = self.editor.open(
                pixels, frame, level=level, w_plus=kept[0] if kept else None, progress=show
            )
        if kept:
            opened = dataclasses.replace(opened, report={**kept[1], "from_cache": True})
        elif not opened.report["ended_early"]:
            _cache().put(self._key(level), opened.w_plus, opened.report)
        return Session(self, opened, level)

    def _local(self) -> tuple[NDArray[Any], CropFrame]:
        return self.photo.cut(self.rect), self.frame.shifted(-self.rect[0], -self.rect[1])

    def _key(self, level: str) -> str:
        return EmbeddingCache.key(*self._local(), self.editor.bundle.sha, level)


@dataclass(frozen=True, eq=False)
class Session:
    """An open photo. Everything in `opened` and everything the editor returns counts from the
    corner of `place.rect`.
    """

    place: Place
    opened: OpenPhoto
    level: str

    @property
    def bundle(self) -> Bundle:
        return self.place.editor.bundle

    def to_photo(self, item: Placed) -> Placed:
        """A mask or layer of the editor, moved to the photo's coordinates."""
        x, y = self.place.rect[:2]
        return dataclasses.replace(item, x=item.x + x, y=item.y + y)

    def to_editor(self, item: Placed) -> Placed:
        """A mask or layer in the photo's coordinates, moved to the editor's."""
        x, y = self.place.rect[:2]
        return dataclasses.replace(item, x=item.x - x, y=item.y - y)

    def masks(self) -> list[PartMask]:
        """The parts, in the photo's coordinates."""
        return [self.to_photo(mask) for mask in self.opened.parts]

    def thumbnail(self, photo: Photo) -> NDArray[np.uint8]:
        """The subject in `photo`, this one or an edited copy, uint8 [256, 256, 3]."""
        crop, _ = extract(photo.cut(), self.place.frame, _THUMBNAIL)
        return np.round((crop + 1) * 127.5).astype(np.uint8)

    def report(self) -> dict[str, Any]:
        """What every command says about its photo."""
        photo = self.place.photo
        return {
            "bundle": self.bundle.name,
            "licence": self.bundle.license,
            "width": photo.width,
            "height": photo.height,
            "depth": photo.depth,
            "subject": self.place.number,
            "subjects": self.place.subjects,
            "rect": list(self.place.rect),
            "level": self.level,
            "reconstruction": dict(self.opened.report),
        }


def load_editor(args: argparse.Namespace) -> Editor:
    """The editor that --bundle and --device ask for; raises EditGanError."""
    bundle = find_bundle(args.bundle)
    with progress_bar("Loading the model", quiet=args.quiet):
        from backend.editing.editor import Editor

        return Editor(bundle, device=choose_device(args.device))


def find_place(
    args: argparse.Namespace, photo: Photo | None, near: tuple[float, float] | None = None
) -> Place:
    """Load the model and find the subject: the one that `--subject` says, else the one closest to
    the point `near`, else the largest; without a photo it is the model's own picture `--seed`.
    Raises EditGanError.
    """
    editor = load_editor(args)
    if photo is None:
        return place_of_sample(editor, args.seed)
    return place_in(editor, photo, args.subject, near)


def place_in(
    editor: Editor,
    photo: Photo,
    number: int | None = None,
    near: tuple[float, float] | None = None,
) -> Place:
    """A subject in a photo, by its number from 1, or the one closest to a point, or the largest."""
    frames = [subject.frame for subject in editor.find_subjects(photo.to_u8())]
    number = number or (_closest(frames, near) if near else 1)
    if number > len(frames):
        raise NoSubject(f"The photo shows {len(frames)} subject(s); --subject {number} is none.")
    frame = frames[number - 1]
    rect = frame.bounds(_MARGIN, photo.width, photo.height)
    return Place(photo, editor, frame, rect, number, len(frames))


def place_of_sample(editor: Editor, seed: int) -> Place:
    """A picture of the model's own; its code is known."""
    opened = editor.open_sample(seed)
    photo = Photo(opened.pixels)
    rect = (0, 0, photo.width, photo.height)
    return Place(photo, editor, opened.frame, rect, 1, 1, opened)


def open_session(args: argparse.Namespace, photo: Photo | None) -> Session:
    """The photo, or the sample, open as the command line says. Raises EditGanError."""
    return find_place(args, photo).open(args.level or DEFAULT_LEVEL, quiet=args.quiet)


def open_folder(
    editor: Editor, paths: Sequence[Path], count: int, level: str, *, quiet: bool
) -> list[OpenPhoto]:
    """The first `count` photos that show a subject, as OpenPhotos; others are passed over.

    Raises NoSubject where photos were named and none of them can be used.
    """
    opened: list[OpenPhoto] = []
    with tqdm(total=count, desc="Embedding", unit="photo", disable=quiet or None) as bar:
        for path in paths:
            if len(opened) == count:
                break
            with contextlib.suppress(EditGanError):
                place = place_in(editor, read_photo(path))
                opened.append(place.open(level, quiet=True).opened)
                bar.update()
    if paths and count and not opened:
        raise NoSubject("None of these photos shows a subject of this model; choose others.")
    return opened


def open_for_labels(
    args: argparse.Namespace,
    photo: Photo | None,
    near: tuple[float, float] | None,
    level: str | None,
    difference: Callable[[Session], int],
) -> Session:
    """The photo as it was open when an edited segmentation was made.

    level: as noted in the segmentation, None where a paint program dropped the note. Then, of the
    embeddings kept, the one with the smallest `difference` from the edited labels is meant.
    """
    place = find_place(args, photo, near)
    known = args.level or level
    levels = [known] if known else place.kept_levels() or [DEFAULT_LEVEL]
    sessions = [place.open(one, quiet=args.quiet) for one in levels]
    return min(sessions, key=difference)


def _closest(frames: Sequence[CropFrame], point: tuple[float, float]) -> int:
    """The number, from 1, of the frame whose centre is closest to a point of the photo."""
    distances = [float(np.linalg.norm(frame.quad.mean(axis=0) - point)) for frame in frames]
    return 1 + int(np.argmin(distances))


def _cache() -> EmbeddingCache:
    return EmbeddingCache(cache_dir())
