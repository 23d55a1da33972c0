"""The same people in every open image: the frames of a series, the photos of one day."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gi.repository import Gimp

from commands import embedding
from image import names, photos, state, subjects
from image.glance import Glance
from image.layers import check_open
from link.errors import PlugInError
from link.session import Session, expect
from link.texts import _
from protocol.messages import Quad, Recognise, Recognised, Rect, Subject

Span = tuple[float, float]
# Of two looks at one person at least, by the identity network. How often strangers reach it says
# benchmarks/batch_people.py; it may be lower than for a folder of photos (backend/batch/people.py),
# for the likeliest of few people is taken, and nobody twice
_ALIKE = 0.35
# Of the picture's width: as far apart are those whom no network knows again; who stands next to
# somebody in a group is seldom nearer
_NEAR = 0.25


@dataclass(frozen=True, eq=False)
class FaceInImage:
    """Somebody in an open image.

    image_name: said of an image that was closed since, too. bundle: the model that knows such
    faces. subject: what the image remembers of them. identity: of unit length, empty where no
    network knows faces. eyes, smile: how open, how much; 0..1. glance: of the photo at that time.
    """

    photo: photos.PhotoLayer
    image_name: str
    bundle: str
    quad: Quad
    rect: Rect
    subject: state.SubjectRecord | None
    identity: tuple[float, ...] = ()
    eyes: float = 0.0
    smile: float = 0.0
    glance: Glance | None = None

    @property
    def image(self) -> Gimp.Image:
        return self.photo.image

    def likeness(self, other: FaceInImage) -> float:
        """Whether they are one person, 1 being the same picture; below `_ALIKE` they are not.

        Where no network knows faces, by how near they stand to the same place.
        """
        if self.identity and other.identity:
            return sum(a * b for a, b in zip(self.identity, other.identity, strict=True))
        away = math.dist(self._place(), other._place())
        return 1 - (1 - _ALIKE) * away / _NEAR

    def _place(self) -> tuple[float, float]:
        x, y = subjects.centre(self.quad)
        return x / self.photo.width, y / self.photo.height


def others(image: Gimp.Image) -> list[Gimp.Image]:
    """The other open images, those that were opened first first."""
    return sorted((i for i in Gimp.get_images() if i != image), key=lambda i: i.get_id())


def faces(session: Session, photo: photos.PhotoLayer, bundle: str, span: Span) -> list[FaceInImage]:
    """Everybody in a photo, from left to right; nobody where no face is found."""
    low, high = span
    middle = low + 0.3 * (high - low)
    try:
        found = embedding.detect(session, photo, bundle, (low, middle), all_of_it=True)
    except PlugInError as error:
        if error.code != "no_subject":
            raise
        return []
    known = [subjects.placed(photo.image, one) for one in subjects.readable(photo.image)]
    known = [one for one in known if one.bundle == bundle]
    glance = Glance.at(photo.layer)
    step = (high - middle) / len(found)
    looked = []
    for place, detected in enumerate(found):
        begin = middle + place * step
        glance.check(photo.image)
        one = _recognised(session, photo, bundle, detected, known, (begin, begin + step))
        looked.append(replace(one, glance=glance))
    return sorted(looked, key=lambda face: subjects.centre(face.quad)[0])


def _recognised(
    session: Session,
    photo: photos.PhotoLayer,
    bundle: str,
    detected: Subject,
    known: Sequence[state.SubjectRecord],
    span: Span,
) -> FaceInImage:
    message = Recognise(bundle, detected.quad, detected.rect, photo.pixels(detected.rect))
    seen = expect(Recognised, session.request(message, span))
    identity = tuple(array("f", bytes(seen.identity.data))) if seen.identity else ()
    subject = subjects.same(known, photo.layer, detected.quad)
    place = (subject.quad, subject.rect) if subject else (detected.quad, detected.rect)
    return FaceInImage(
        photo,
        names.short(photo.image),
        bundle,
        *place,
        subject,
        identity,
        seen.eyes or 0.0,
        seen.smile or 0.0,
    )


def in_images(
    session: Session, images: Sequence[Gimp.Image], bundle: str, span: Span
) -> list[list[FaceInImage]]:
    """Everybody in each image; images that hold no photo, or nobody, are left out."""
    found = []
    step = (span[1] - span[0]) / max(len(images), 1)
    for place, image in enumerate(images):
        begin = span[0] + place * step
        session.view.say(_("Looking for people in “{image}”").format(image=image.get_name()), begin)
        try:
            photo = photos.find(image, [])
        except PlugInError:
            continue
        if everybody := faces(session, photo, bundle, (begin, begin + step)):
            found.append(everybody)
    return found


def matched(mine: Sequence[FaceInImage], theirs: Sequence[FaceInImage]) -> dict[int, FaceInImage]:
    """For each of `mine`, by place, the same person among `theirs`; nobody is two people."""
    pairs = sorted(
        ((one.likeness(other), place, other) for place, one in enumerate(mine) for other in theirs),
        key=lambda pair: -pair[0],
    )
    found: dict[int, FaceInImage] = {}
    for likeness, place, other in pairs:
        if likeness >= _ALIKE and place not in found and other not in found.values():
            found[place] = other
    return found


def embedded(
    session: Session, wanted: Sequence[FaceInImage], span: Span
) -> list[tuple[FaceInImage, state.SubjectRecord]]:
    """Faces of one photo with what is remembered of them; those that are new are embedded.

    One that is too small for the model is left out, unless all are. Raises PlugInError if the image
    was closed since they were found.
    """
    for face in wanted:
        check_open(face.image)
    new = [face for face in wanted if face.subject is None]
    for face in new:
        if face.glance is not None:
            face.glance.check(face.image)
    done = []
    if new:
        found = [Subject(face.quad, face.rect, 1.0) for face in new]
        wish = embedding.Wish(new[0].bundle, "fast")
        done = embedding.embed_each(session, new[0].photo, found, wish, span)
    subject = {one.subject.quad: one.subject for one in done}
    both = ((face, _now(face) or subject.get(face.quad)) for face in wanted)
    return [(face, known) for face, known in both if known is not None]


def _now(face: FaceInImage) -> state.SubjectRecord | None:
    """What the image remembers of somebody, whose photo may have been turned or cropped since."""
    return photos.again(face.photo, face.subject)[1] if face.subject else None
