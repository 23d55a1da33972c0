"""Work that only a window of ours has yet: GIMP asks before it closes an image over it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence

from gi.repository import Gegl, Gimp, GLib

from image import frames, layers, state

_LATER_MS = 400
_MOST = 400 << 20  # bytes: to read more takes seconds; then an image goes on counting as changed
_MARK = "editgan-unkept"  # what is attached and detached: GIMP counts that as a change


class Unsaved:
    """`follow` whether there is work that is not kept; without it the image is what it was.

    GIMP only tells whether an image was changed, not how often: so what is in it is compared with
    what was in it when it last was as saved. Of a large image that takes a moment, in which a
    slider would halt: it is looked at a little later.
    """

    def __init__(self, image: Gimp.Image) -> None:
        self._image = image
        self._ours = False
        self._before: bytes | None = None
        self._later = 0  # a timer
        self._followed: tuple[object, ...] = ()  # which file there was, and which work
        self._in_file = False  # it was saved with some of that work

    def follow(self, unkept: Sequence[object]) -> None:
        """The work that is not kept; call it whenever that, or the image, may have changed."""
        if not self._image.is_valid():
            return
        before, now = self._followed, (saved_as(self._image), *unkept)
        same = now[1:] == before[1:]
        if not unkept:
            self._settle()
        elif self._image.is_dirty():
            self._followed = before if same else now
        elif same and now[0] != before[0]:  # saved: the file has the preview
            self._ours, self._in_file, self._followed = False, True, now
        elif not (same and self._in_file):  # else somebody's undo has led back to that
            self._ours, self._before, self._followed = True, None, now
            self._make_dirty()
            self._later = self._later or GLib.timeout_add(_LATER_MS, self._look)

    def _look(self) -> bool:
        self._later = 0
        if self._ours and self._image.is_valid() and _bytes_of(self._image) <= _MOST:
            self._before = fingerprint(self._image)
        return GLib.SOURCE_REMOVE

    def _settle(self) -> None:
        """Where nothing was done to the image beside our own work it is as saved again."""
        if self._later:
            GLib.source_remove(self._later)
            self._later = 0
        before, self._before, self._followed = self._before, None, ()
        ours, self._ours = self._ours, False
        in_file, self._in_file = self._in_file, False
        if in_file:  # and the image has it no more
            self._make_dirty()
        elif ours and before is not None and before == fingerprint(self._image):
            self._image.clean_all()

    def _make_dirty(self) -> None:
        self._image.undo_freeze()
        self._image.attach_parasite(Gimp.Parasite.new(_MARK, Gimp.PARASITE_UNDOABLE, b"1"))
        self._image.detach_parasite(_MARK)
        self._image.undo_thaw()


def saved_as(image: Gimp.Image) -> tuple[str, int] | None:
    """The image's own file, and when it was written; None where that is not known."""
    file = image.get_xcf_file()
    path = file.get_path() if file is not None else None
    try:
        return None if path is None else (path, os.stat(path).st_mtime_ns)
    except OSError:
        return None


def fingerprint(image: Gimp.Image) -> bytes:
    """A digest of all that somebody may have changed, without what leaves no trace."""
    sha = hashlib.sha256()
    for fact in _facts(image):
        sha.update(fact)
    return sha.digest()


def _facts(image: Gimp.Image) -> Iterator[bytes]:
    selected = tuple(Gimp.Selection.bounds(image))
    size = image.get_width(), image.get_height(), *image.get_resolution()
    yield repr((size, int(image.get_precision()), selected)).encode()
    profile = image.get_color_profile()
    yield bytes(profile.get_icc_profile()) if profile else b""
    parasites = [name for name in image.get_parasite_list() if not name.startswith("editgan-")]
    yield repr(sorted(parasites)).encode()
    ours = frames.PATH.partition("{")[0]
    others = [path.get_id() for path in image.get_paths() if not path.get_name().startswith(ours)]
    yield repr((others, [one.get_id() for one in image.get_channels()])).encode()
    yield repr([*_numbers(image.find_next_guide), *_numbers(image.find_next_sample_point)]).encode()
    for layer in layers.walk(image.get_layers()):
        if not state.is_marked(layer, state.PREVIEW):
            yield from _facts_of(layer)


def _numbers(following: Callable[[int], int]) -> Iterator[int]:
    """Of all guides, say."""
    number = following(0)
    while number:
        yield number
        number = following(number)


def _bytes_of(image: Gimp.Image) -> int:
    """Of all its pixels."""
    every = [one for one in layers.walk(image.get_layers()) if not one.is_group()]
    return sum(one.get_width() * one.get_height() * one.get_bpp() for one in every)


def _facts_of(layer: Gimp.Layer) -> Iterator[bytes]:
    ours = any(state.is_marked(layer, mark) for mark in (state.GROUP, state.RESULT, state.UNSURE))
    parent, mask = layer.get_parent(), layer.get_mask()
    shown = ours or layer.get_visible()  # a preview hides ours
    filters = [(one.get_id(), one.get_visible(), one.get_opacity()) for one in layer.get_filters()]
    yield repr(
        (
            layer.get_id(), layer.get_name(), parent and parent.get_id(), layer.get_opacity(),
            int(layer.get_mode()), tuple(layer.get_offsets()), shown, mask and mask.get_id(),
            layer.get_apply_mask(), filters,
        )
    ).encode()  # fmt: skip
    for drawable in (mask, None if layer.is_group() else layer):
        if drawable is not None:
            area = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
            yield drawable.get_buffer().get(area, 1.0, None, Gegl.AbyssPolicy.NONE)
