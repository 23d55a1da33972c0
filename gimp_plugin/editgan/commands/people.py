"""The people of a photo: those that the image remembers, and those that were found in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gi.repository import Gimp

from image import photos, stack_layers, stacks, state, subjects, thumbnail
from image.canvas_preview import CanvasPreview
from image.stack_layers import StackInImage
from image.stacks import Stack
from protocol.geometry import Rect
from protocol.messages import Edited, PartLayer, Pixels, Quad, Subject

_SMALL = 0.4  # of the largest face's side: smaller ones are offered, not taken
_BLURRED = 0.4  # of the sharpest face's sharpness
CLOSE = 0.7  # of the frame's side: the face without hair and neck
_LOOK = 64  # px, a side of the picture in which sharpness is measured


@dataclass(eq=False)
class PersonInPhoto:
    """One of the people, and what is being done to them.

    subject: what the image remembers, None until the face was embedded. found: the stack in the
    image; stack: what the window shows. edited: the picture of `edited_stack`.
    """

    photo: photos.PhotoLayer
    number: int
    quad: Quad
    rect: Rect
    subject: state.SubjectRecord | None = None
    parts: list[PartLayer] = field(default_factory=list)
    found: StackInImage | None = None
    stack: Stack | None = None
    edited: Edited | None = None
    edited_stack: Stack | None = None
    canvas: CanvasPreview | None = None
    offered: bool = False
    is_open: bool = False  # the backend has the face

    @property
    def changed(self) -> bool:
        """Whether the window shows something that the image does not have yet."""
        return self.stack != (self.found.stack if self.found else None)

    @property
    def size(self) -> float:
        """The frame's side, photo pixels."""
        return math.dist(self.quad[0:2], self.quad[6:8])

    @property
    def middle(self) -> tuple[float, float]:
        return subjects.centre(self.quad)

    def renumber(self, number: int) -> None:
        """By which the image and its layers know this person from now on."""
        self.number = number
        if self.subject is not None:
            self.subject = replace(self.subject, subject=number)

    def remembered(self, subject: state.SubjectRecord) -> None:
        """Take over what the image holds of this person: the stack and its layer, and the results
        of others below that, which count as part of the photo.
        """
        self.subject = subject
        self.found = stack_layers.find(self.photo.image, [], subject)
        self.stack, self.edited, self.edited_stack = self.found.stack, None, None
        self.base()
        self.canvas = CanvasPreview(self.photo, self.found.layer, self.found.former)

    def base(self) -> bool:
        """Let the photo have what counts as part of it now: other results, borrowed pixels.

        Whether it is another one; the backend does not have the face then.
        """
        assert self.found and self.subject and self.stack
        base = stacks.based(self.found.below(self.photo), self.stack, self.subject.quad)
        changed = base != self.photo
        self.is_open = self.is_open and not changed
        self.photo = base
        return changed

    def carry(self, subject: state.SubjectRecord) -> None:
        """Go along with the photo, which was turned, say: `subject` is where the face is now.

        What is done to the face stays; its picture has to be made anew.
        """
        self.subject, self.quad, self.rect = subject, subject.quad, subject.rect
        self.edited, self.edited_stack = None, None
        self.base()
        self.is_open = False

    def face(self, side: int) -> Pixels:
        """The face as the photo shows it, about `side` pixels wide."""
        return thumbnail.close_up(self.photo.layer, self.quad, CLOSE, side)


def of_photo(
    photo: photos.PhotoLayer, known: Sequence[state.SubjectRecord], found: Sequence[Subject]
) -> list[PersonInPhoto]:
    """Everybody, from left to right; those that are new have no record yet."""
    known = [subjects.placed(photo.image, subject) for subject in known]
    people = [remembered_person(photo, subject) for subject in known]
    number = max((person.number for person in people), default=0)
    for detected in found:
        if subjects.same(known, photo.layer, detected.quad) is None:
            number += 1
            people.append(PersonInPhoto(photo, number, detected.quad, detected.rect))
    _offer(people)
    return sorted(people, key=lambda person: person.middle[0])


def renumbered(people: Sequence[PersonInPhoto], image: Gimp.Image) -> list[PersonInPhoto]:
    """Let people have the numbers by which the image knows them now; returns whose is another one.

    A command may have given somebody's number to somebody else: whom the image does not know were
    numbered in the window only.
    """
    known = [subjects.placed(image, subject) for subject in subjects.readable(image)]
    taken = {subject.number for subject in known}
    changed = []
    for person in people:
        its = subjects.same(known, person.photo.layer, person.quad)
        number = person.number
        if its is not None:
            number = its.number
        elif number in taken:
            number = max(taken | {one.number for one in people}) + 1
        if number != person.number:
            person.renumber(number)
            changed.append(person)
    return changed


def meant(
    everybody: Sequence[PersonInPhoto],
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    found: Sequence[Subject],
) -> PersonInPhoto:
    """Whom to begin with: who is selected, by a selection or a layer; else the best face."""
    best = everybody[0]
    if found:
        x, y = subjects.centre(found[0].quad)
        best = min(everybody, key=lambda p: math.dist(p.middle, (x, y)))
    if best.photo.selection() is not None:
        return best
    subject = subjects.meant(image, drawables)
    return next((p for p in everybody if subject and p.number == subject.number), best)


def remembered_person(photo: photos.PhotoLayer, subject: state.SubjectRecord) -> PersonInPhoto:
    person = PersonInPhoto(photo, subject.number, subject.quad, subject.rect)
    person.remembered(subject)
    return person


def _offer(people: Sequence[PersonInPhoto]) -> None:
    """Mark new faces that are much smaller, or much less sharp, than the best one."""
    largest = max((person.size for person in people), default=0.0)
    sharpness = {id(person): sharpness_of(person.face(_LOOK)) for person in people}
    best = max(sharpness.values(), default=0.0)
    for person in people:
        small = person.size < _SMALL * largest
        blurred = sharpness[id(person)] < _BLURRED * best
        person.offered = person.subject is None and (small or blurred)


def sharpness_of(picture: Pixels) -> float:
    """Mean difference of each pixel from its neighbours, over the contrast; larger is sharper."""
    width, height, data = picture.width, picture.height, bytes(picture.data)
    green = [data[y * width * 3 + 1 : (y + 1) * width * 3 : 3] for y in range(height)]
    total, count = 0.0, 0
    for y in range(1, height - 1):
        above, row, below = green[y - 1], green[y], green[y + 1]
        for x in range(1, width - 1):
            total += abs(4 * row[x] - above[x] - below[x] - row[x - 1] - row[x + 1])
            count += 1
    values = [value for row in green for value in row]
    mean = sum(values) / len(values)
    contrast = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return total / max(count, 1) / (contrast + 1.0)
