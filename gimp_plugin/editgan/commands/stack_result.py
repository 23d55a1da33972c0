"""From a stack to its one layer: the vectors by the backend, over the borrowed pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gi.repository import Gimp

from image import layers, part_layers, patches, photos, results, sending, stacks, state
from image.patches import LaidPatch
from image.stack_layers import StackInImage
from image.stacks import Stack
from link.errors import PlugInError
from link.report import Report
from link.session import Session, expect
from link.texts import _
from protocol.facts import ApplyReport, as_json
from protocol.geometry import Rect
from protocol.messages import Applied, Apply, Edited, Pixels, ResultLayer

Span = tuple[float, float]


@dataclass(frozen=True)
class Ready:
    """A stack with its picture, for `write`. edited: what the vectors do; None: there are none."""

    photo: photos.PhotoLayer
    subject: state.SubjectRecord
    stack: Stack
    found: StackInImage
    edited: Edited | None


def prepared(
    session: Session,
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    stack: Stack,
    found: StackInImage,
    span: Span = (0.5, 1.0),
) -> Ready:
    """Ask for what the stack's vectors make of the photo; the image is not changed.

    found: the subject's stack as the image has it.
    """
    photo = stacks.based(found.below(photo), stack, subject.quad)
    edited = None
    if refs := stack.refs():
        answer, subject = sending.about_photo(
            session,
            photo,
            subject,
            lambda name: Apply(photo=name, edits=refs, refine=stack.refine),
            span,
        )
        edited = expect(Applied, answer)
    return Ready(photo, subject, stack, found, edited)


def commit(
    session: Session,
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    stack: Stack,
    found: StackInImage,
    span: Span = (0.5, 1.0),
) -> Report:
    """Write the stack's one layer in place of what the image has; an empty stack removes that.

    The subject's part layers are hidden, so that the result can be seen. One undo step. Raises
    PlugInError if there is nothing to do.
    """
    if not stack.entries:
        if found.layer is None and not found.former:
            raise PlugInError(_("No edit was chosen: add one from the library."))
        remove(photo.image, found)
        return {"layer": None, "edits": [], "refine": 0, "edited_parts": []}
    ready = prepared(session, photo, subject, stack, found, span)
    layer, edited = write(ready), ready.edited or nothing(subject)
    return {
        "layer": layer.get_name(),
        "edits": [{"edit": e.name, "scale": e.scale} for e in stack.entries],
        "refine": stack.refine,
        "edited_parts": list(edited.parts),
        **as_json(edited.report if isinstance(edited, Applied) else None),
    }


def remove(image: Gimp.Image, found: StackInImage) -> None:
    """Take the stack's layer out of the image, and those of its former results."""
    with layers.undo_step(image):
        for layer in (found.layer, *found.former):
            if layer is not None and layer.is_valid():
                image.remove_layer(layer)


def picture(photo: photos.PhotoLayer, edited: Edited | None) -> ResultLayer | None:
    """What is laid over the photo: its borrowed pixels, and what the vectors do, above those.

    None where that is nothing.
    """
    lowest_first = list(photo.patches)
    if edited is not None:
        lowest_first.append(LaidPatch(edited.layer.rect, edited.layer.pixels))
    return patches.flattened(photo.image, lowest_first) if lowest_first else None


def write(ready: Ready) -> Gimp.Layer:
    """The result layer with its stack; it takes the previous one's place, opacity, mode, mask.

    Results that have become entries of the stack go. One undo step. Raises PlugInError where the
    picture does not fit any more.
    """
    photo, subject, stack, found = ready.photo, ready.subject, ready.stack, ready.found
    photos.check_unmoved(photo, subject)
    image, title = photo.image, stack.title()
    edited = ready.edited or nothing(subject)
    if shown := picture(photo, ready.edited):
        edited = replace(edited, layer=shown)
    record = results.record_of("stack", title, 1.0, stack.refine, edited, subject.bundle)
    previous = found.layer if found.layer and found.layer.is_valid() else None
    with layers.undo_step(image) as added:
        layer = results.add(photo, title, edited, record, subject, added, previous)
        state.keep(layer, stacks.STACK, stack)
        if previous is not None:
            layer.set_opacity(previous.get_opacity())
            layer.set_mode(previous.get_mode())
            image.reorder_item(layer, previous.get_parent(), layers.position(image, previous))
        for old in (previous, *found.former):
            if old is not None and old.is_valid():
                image.remove_layer(old)
        layer.set_name(title)  # the same name was taken until now
        part_layers.hide(image, subject.number)
    image.set_selected_layers([layer])
    return layer


def nothing(subject: state.SubjectRecord) -> Edited:
    """The result of edits that are all switched off."""
    vector = replace(subject.w_plus, data=bytes(memoryview(subject.w_plus.data).nbytes))
    layer = ResultLayer(Rect(subject.rect.x, subject.rect.y, 1, 1), Pixels(1, 1, 4, "u8", bytes(4)))
    report = ApplyReport(
        area_region=0, area_changed=0, share_of_subject=0.0, refine=0, ended_early=False,
        scales=(), clamped=(), seconds=0.0,
    )  # fmt: skip
    return Applied(subject.photo, layer, vector, (), subject.labels, report)
