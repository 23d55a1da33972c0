"""Best Take: of several frames of one group, each person as they look best, in one photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gi.repository import Gimp

from commands import apply, borrow, series, stack_result
from commands.borrow import Wanted
from commands.series import FaceInImage
from image import layers, photos, stack_layers, state, subjects
from link.errors import PlugInError
from link.report import Report
from link.session import Session
from link.texts import _

FACE = "face"  # all that an expression is made of
_FACE = ("brows", "eyes", "nose", "mouth")
# By how much another frame must be better to be suggested. Of smiles that differ by more, people
# rate the suggested one happier in nine of ten pairs, and nine of ten clearly happier ones are
# found; from 0.2 on a fifth of those would be missed (benchmarks/best_take.py)
_BETTER = 0.1
# How much a smile counts beside open eyes: open ones are seen as 0.6 (the median there), so that no
# smile, at most 1, makes up for closed ones
_SMILE = 0.5


@dataclass(frozen=True, eq=False)
class Takes:
    """mine: the people of the photo; frames: of each, the same person in other open images."""

    mine: list[FaceInImage]
    frames: list[list[FaceInImage]]

    def suggested(self, what: str) -> list[FaceInImage | None]:
        """For each person the frame in which they look best; None where that is this photo."""
        found = []
        for face, others in zip(self.mine, self.frames, strict=True):
            best = max(others, key=lambda one: mark(one, what), default=face)
            better = mark(best, what) - mark(face, what) > _BETTER
            found.append(best if better else None)
        return found


def mark(face: FaceInImage, what: str) -> float:
    """How well somebody looks in a frame, as far as it is about some parts."""
    names = [name.strip() for name in what.split(",")]
    if names == ["eyes"]:
        return face.eyes
    if names in (["mouth"], ["lips"]):
        return face.smile
    return face.eyes + _SMILE * face.smile


def look(session: Session, image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Takes:
    """Find everybody in the photo, and again in the other open images. Raises PlugInError where
    nobody is.
    """
    others = series.others(image)
    if not others:
        raise PlugInError(_("There is no other frame: open the other photos of the series first."))
    photo = photos.find(image, drawables)
    known = subjects.readable(image)
    bundle = known[0].bundle if known else apply.DEFAULT_BUNDLE
    mine = series.faces(session, photo, bundle, (0.0, 0.3))
    if not mine:
        raise PlugInError(_("No face was found in this photo: choose another one."))
    frames: list[list[FaceInImage]] = [[] for _face in mine]
    for everybody in series.in_images(session, others, bundle, (0.3, 1.0)):
        for place, face in series.matched(mine, everybody).items():
            frames[place].append(face)
    if not any(frames):
        raise PlugInError(
            _(
                "Nobody in this photo was found again in the other open images: open other frames "
                "of the same people."
            )
        )
    return Takes(mine, frames)


def take(
    session: Session, takes: Takes, chosen: Sequence[FaceInImage | None], what: str, steps: int
) -> Report:
    """Give each person what was chosen for them, in one undo step; None: they stay as they are.

    what: FACE, or groups or parts with commas between them. Raises PlugInError if nothing is to be
    done.
    """
    pairs = [(face, its) for face, its in zip(takes.mine, chosen, strict=True) if its is not None]
    if not pairs:
        raise PlugInError(_("Everybody looks best in this photo already: nothing was changed."))
    parts = parts_of(session, pairs[0][0].bundle, what)
    photo = pairs[0][0].photo
    known = dict(series.embedded(session, [face for face, _its in pairs], (0.0, 0.2)))
    wanted = Wanted(parts, steps=steps)
    done = []
    step = 0.8 / len(pairs)
    for place, (face, its) in enumerate(pairs):
        if face not in known:  # too small for the model
            continue
        session.about = _("Face {number} of {count}: ").format(number=place + 1, count=len(pairs))
        begin = 0.2 + place * step
        span = begin, begin + step
        done.append((_borrowed(session, (face, known[face]), its, wanted, span), its))
    session.about = ""
    return {"people": len(takes.mine), "taken": _write(photo, done)}


def parts_of(session: Session, bundle: str, what: str) -> tuple[str, ...]:
    """The names of the parts that are to be taken. Raises PlugInError."""
    groups = borrow.groups_of(session, bundle)
    if what == FACE:
        what = ", ".join(name for name in _FACE if name in groups)
    return borrow.resolve(what, groups, bundle)


def _borrowed(
    session: Session,
    mine: tuple[FaceInImage, state.SubjectRecord],
    its: FaceInImage,
    wanted: Wanted,
    span: tuple[float, float],
) -> stack_result.Ready:
    (face, subject), (low, high) = mine, span
    middle = low + 0.4 * (high - low)
    ((_face, theirs),) = series.embedded(session, [its], (low, middle))
    title = _("From {image}").format(image=its.image_name)
    found = stack_layers.find(face.image, [], subject)
    one = face.photo, subject, found
    return borrow.prepared(session, one, (its.photo, theirs), wanted, title, (middle, high))[0]


def _write(
    photo: photos.PhotoLayer, done: Sequence[tuple[stack_result.Ready, FaceInImage]]
) -> list[dict[str, str]]:
    written = []
    with layers.undo_step(photo.image):
        for ready, its in done:
            layer = stack_result.write(ready)
            written.append({"layer": layer.get_name(), "from": its.image_name})
    return written
