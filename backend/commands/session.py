"""A photo from the command line: its subject found, then opened in an editor."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backend.bundles import Bundle, find_bundle
from backend.commands.arguments import LEVELS, level_of
from backend.commands.progress import progress_bar
from backend.commands.sentences import AboutPhoto
from backend.errors import BadSetting, NoSubject
from backend.photos.align import CropFrame
from backend.photos.corrections import Corrections
from backend.photos.files import read_photo
from backend.photos.label_file import OUTSIDE, LabelMeaning, read_labels
from backend.photos.photo import Photo
from backend.session.devices import choose_device
from backend.session.embedding import embedding_key, open_or_reuse
from backend.session.embedding_cache import EmbeddingCache
from backend.session.placement import FRAME_MARGIN, Placed, to_engine, to_photo
from backend.session.thumbnails import aligned_thumbnail
from protocol.errors import UserError
from protocol.geometry import Rect
from protocol.paths import cache_dir

if TYPE_CHECKING:
    from backend.editing.editor import Editor
    from backend.editing.results import OpenPhoto
    from backend.photos.parts import PartMask


@dataclass(frozen=True, eq=False)
class FoundSubject:
    """A subject in a photo.

    frame: in the photo's coordinates. rect: the photo's part that the editor gets. number: which of
    `subjects` it is, from 1. sample: a picture of the model's own, which is open from the start.
    assumed: nobody and nothing said where it is.
    """

    photo: Photo
    editor: Editor
    frame: CropFrame
    rect: Rect
    number: int
    subjects: int
    sample: OpenPhoto | None = None
    assumed: bool = False

    def kept_levels(self) -> list[str]:
        """The levels at which the subject was embedded before."""
        return [level for level in LEVELS if _cache().get(self._key(level))]

    def open(
        self, level: str, *, quiet: bool, corrected: Corrections | None = None
    ) -> OpenedSubject:
        """Embed the subject, or take the embedding kept from last time, and segment it.

        corrected: the photo's parts as the user has put them right.
        """
        if self.sample:
            return OpenedSubject(self, self.sample, "known")
        with progress_bar("Embedding", quiet=quiet) as show:
            said = None if corrected is None else corrected.cut(self.rect)
            opened = open_or_reuse(
                self.editor, _cache(), *self._local(), level, show, corrected=said
            )
        return OpenedSubject(self, opened, level)

    def _local(self) -> tuple[NDArray[Any], CropFrame]:
        return self.photo.cut(self.rect), self.frame.shifted(-self.rect.x, -self.rect.y)

    def _key(self, level: str) -> str:
        return embedding_key(self.editor.bundle, *self._local(), level)


@dataclass(frozen=True, eq=False)
class OpenedSubject:
    """An open photo. Everything in `opened` and everything the editor returns counts from the
    corner of `place.rect`.
    """

    place: FoundSubject
    opened: OpenPhoto
    level: str

    @property
    def bundle(self) -> Bundle:
        return self.place.editor.bundle

    def to_photo(self, item: Placed) -> Placed:
        """A mask or layer of the editor, moved to the photo's coordinates."""
        return to_photo(item, self.place.rect)

    def to_editor(self, item: Placed) -> Placed:
        """A mask or layer in the photo's coordinates, moved to the editor's."""
        return to_engine(item, self.place.rect)

    def masks(self) -> list[PartMask]:
        """The parts, in the photo's coordinates."""
        return [self.to_photo(mask) for mask in self.opened.parts]

    def thumbnail(self, photo: Photo) -> NDArray[np.uint8]:
        """The subject in `photo`, this one or an edited copy, uint8 [S, S, 3]."""
        return aligned_thumbnail(photo.cut(), self.place.frame)

    def about(self) -> AboutPhoto:
        """What every command says about its photo."""
        photo = self.place.photo
        return AboutPhoto(
            bundle=self.bundle.name,
            licence=self.bundle.license,
            width=photo.width,
            height=photo.height,
            depth=photo.depth,
            subject=self.place.number,
            subjects=self.place.subjects,
            rect=self.place.rect,
            assumed=self.place.assumed,
            level=self.level,
            reconstruction=self.opened.report,
        )


def load_editor(args: argparse.Namespace) -> Editor:
    """The editor that --bundle and --device ask for; raises UserError."""
    bundle = find_bundle(args.bundle)
    with progress_bar("Loading the model", quiet=args.quiet):
        from backend.editing.editor import Editor

        return Editor(bundle, device=choose_device(args.device))


def find_place(
    args: argparse.Namespace, photo: Photo | None, near: tuple[float, float] | None = None
) -> FoundSubject:
    """Load the model and find the subject: the one that `--subject` or `--box` says, else the one
    closest to the point `near`, else the largest; without a photo it is the model's own picture
    `--seed`. Raises UserError.
    """
    editor = load_editor(args)
    if photo is not None:
        return place_in(editor, photo, args.subject, near, args.box)
    if args.box:
        raise BadSetting("--box says where the subject is in a photo, not in a picture of --seed.")
    return place_of_sample(editor, args.seed)


def place_in(
    editor: Editor,
    photo: Photo,
    number: int | None = None,
    near: tuple[float, float] | None = None,
    box: Rect | None = None,
) -> FoundSubject:
    """A subject in a photo, by its number from 1, or the one that fills a box most, or the one
    closest to a point, or the largest. Raises UserError."""
    from backend.editing.finding import finds_subjects

    if box and box.intersected(Rect(0, 0, photo.width, photo.height)) != box:
        raise BadSetting(
            f"The box leaves the photo, which has {photo.width} x {photo.height} pixels."
        )
    frames = [subject.frame for subject in editor.find_subjects(photo.to_u8(), box)]
    number = number or (_closest(frames, near) if near and not box else 1)
    if number > len(frames):
        raise NoSubject(f"The photo shows {len(frames)} subject(s); there is no subject {number}.")
    frame = frames[number - 1]
    rect = frame.bounds(FRAME_MARGIN, photo.width, photo.height)
    assumed = box is None and not finds_subjects(editor.bundle)
    return FoundSubject(photo, editor, frame, rect, number, len(frames), assumed=assumed)


def place_of_sample(editor: Editor, seed: int) -> FoundSubject:
    """A picture of the model's own; its code is known."""
    opened = editor.open_sample(seed)
    photo = Photo(opened.pixels)
    rect = Rect(0, 0, photo.width, photo.height)
    return FoundSubject(photo, editor, opened.frame, rect, 1, 1, opened)


def open_session(args: argparse.Namespace, photo: Photo | None) -> OpenedSubject:
    """The photo, or the sample, open as the command line says. Raises UserError."""
    said = read_corrections(args, photo)
    place = find_place(args, photo, None if said is None else middle_of(said.labels))
    return place.open(level_of(args), quiet=args.quiet, corrected=said)


def read_corrections(args: argparse.Namespace, photo: Photo | None) -> Corrections | None:
    """What --correct says, None without it. Raises UserError."""
    path = getattr(args, "correct", None)
    if path is None:
        return None
    if photo is None:
        raise BadSetting("--correct puts the parts of a photo right, not those of --seed.")
    bundle = find_bundle(args.bundle)
    meaning = LabelMeaning(bundle.name, bundle.parts, generator=bundle.sha)
    return Corrections(read_labels(path, meaning, (photo.width, photo.height)))


def middle_of(labels: NDArray[np.uint8]) -> tuple[float, float] | None:
    """The middle (x, y) of what is labelled: says which of several subjects is meant."""
    y, x = (labels != OUTSIDE).nonzero()
    return (float(x.mean()), float(y.mean())) if len(x) else None


def open_folder(
    editor: Editor, paths: Sequence[Path], count: int, level: str, *, quiet: bool
) -> tuple[list[OpenPhoto], list[str]]:
    """The first `count` photos that show a subject, as OpenPhotos, and why others cannot be used.

    Raises NoSubject where photos were named and none of them can be used.
    """
    opened: list[OpenPhoto] = []
    passed: list[str] = []
    with tqdm(total=count, desc="Embedding", unit="photo", disable=quiet or None) as bar:
        for path in paths:
            if len(opened) == count:
                break
            try:
                place = place_in(editor, read_photo(path))
                opened.append(place.open(level, quiet=True).opened)
                bar.update()
            except UserError as error:
                passed.append(passed_over(path, error))
    if paths and count and not opened:
        raise NoSubject(f"None of these photos can be used ({passed[0]}); choose others.")
    return opened, passed


def passed_over(path: Path, error: UserError) -> str:
    """Why a photo of several is not used, with its name."""
    said = error.message
    return said if said.startswith(path.name) else f"{path.name}: {said}"


def open_for_labels(
    args: argparse.Namespace,
    photo: Photo | None,
    near: tuple[float, float] | None,
    level: str | None,
    difference: Callable[[OpenedSubject], int],
    corrected: Corrections | None = None,
) -> OpenedSubject:
    """The photo as it was open when an edited segmentation was made.

    level: as noted in the segmentation, None where a paint program dropped the note. Then, of the
    embeddings kept, the one with the smallest `difference` from the edited labels is meant.
    corrected: as for Place.open.
    """
    place = find_place(args, photo, near)
    known = args.level or level
    levels = [known] if known else place.kept_levels() or [level_of(args)]
    sessions = [place.open(one, quiet=args.quiet, corrected=corrected) for one in levels]
    return min(sessions, key=difference)


def _closest(frames: Sequence[CropFrame], point: tuple[float, float]) -> int:
    """The number, from 1, of the frame whose centre is closest to a point of the photo."""
    distances = [float(np.linalg.norm(frame.quad.mean(axis=0) - point)) for frame in frames]
    return 1 + int(np.argmin(distances))


def _cache() -> EmbeddingCache:
    return EmbeddingCache(cache_dir())
