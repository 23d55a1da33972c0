"""Live Repaint: the picture follows the brush."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from gi.repository import Gimp, GLib

from commands import repaint
from image import part_layers, photos, sending, stack_layers, stacks, state, thumbnail
from image.no_trace import no_trace
from image.watch import Watch
from link.backend_texts import backend_error, backend_text
from link.errors import CommandCancelled, PlugInError
from link.latest import Latest
from link.report import Report
from link.session import Session, expect
from link.texts import _
from protocol.errors import BackendError
from protocol.facts import as_json
from protocol.messages import (
    Event,
    LiveRepaint,
    LiveRepainted,
    Message,
    PaintedPart,
    Preview,
    Progress,
    Repaint,
    Repainted,
)
from windows.live_window import LiveWindow
from windows.polling import every
from windows.views import LabelView

POLL_MS = 250
STEPS = 150  # after the last stroke; then the face has settled
LOST = ("unknown_photo", "backend_lost", "backend_missing", "shutting_down")


def run(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Report:
    """Follow the part layers in a window until it is closed; Keep writes a result layer.

    Raises CommandCancelled when it is closed without.
    """
    photo, group, subject = repaint.find(image, drawables)
    following = Following(image, photo, group, subject)
    try:
        following.run()
        if following.vector is None or not following.wanted:
            raise CommandCancelled
        return following.keep()
    finally:
        following.close()


class Following:
    """One Live Repaint window: watches, sends, shows. Everything here is on the main thread."""

    def __init__(
        self,
        image: Gimp.Image,
        photo: photos.PhotoLayer,
        group: Gimp.GroupLayer,
        subject: state.SubjectRecord,
    ) -> None:
        self._image, self._photo, self._group, self._subject = image, photo, group, subject
        self._loop = GLib.MainLoop()
        self._window = LiveWindow(image, self._answered)
        self._view = LabelView(self._window.say)
        self._watch = Watch(image, photo, subject)
        self._session: Session | None = None
        self._latest: Latest | None = None
        self._painted: list[PaintedPart] = []
        self._opening = False
        self._begun = False  # the backend has something to go on from
        self._gaps = Gaps()
        self._was_hidden = not group.get_visible()
        self.vector: LiveRepainted | None = None
        self.wanted = False

    def run(self) -> None:
        """Until Keep or Close is pressed, or the image is closed."""
        if self._was_hidden:  # else GIMP refuses to paint on its layers
            self._let_parts_be_seen(True)
        self._show_photo()
        timer = every(POLL_MS, self._poll)
        try:
            self._loop.run()
        finally:
            GLib.source_remove(timer)
            if self._was_hidden and self._group.is_valid():
                self._let_parts_be_seen(False)

    def keep(self) -> Report:
        """Put what the window shows into the subject's stack."""
        assert self._session is not None and self.vector is not None
        title = _("Live repaint")
        vector = self.vector.vector
        answer, subject = sending.about_photo(
            self._session,
            *photos.again(self._photo, self._subject),
            lambda name: Repaint(
                photo=name,
                layers=self._painted,
                steps=0,
                start=vector,
                redrawn=name != part_layers.drawn_for(self._group),
                only=self._only(),
            ),
        )
        edited = expect(Repainted, answer)
        found = self._photo, self._group, subject
        layer = repaint.write(self._session, found, [], edited, title)
        return {
            "layer": layer.get_name(),
            "edited_parts": list(edited.parts),
            **self._gaps.report(),
            **as_json(edited.report),
        }

    def close(self) -> None:
        if self._latest:
            self._latest.close()
        if self._session:
            self._session.connection.close()
        self._window.close()

    # --- watching ---

    def _poll(self) -> None:
        if self._opening or self.wanted:
            return
        if self._image.is_valid() and not self._view.cancelled.is_set():
            self._look()
        else:  # closed: the image, or this window while the backend was being asked
            self._loop.quit()

    def _look(self) -> None:
        try:
            painted = self._watch.changed()
            if painted is not None:
                self._painted = painted
                self._send()
        except CommandCancelled:
            self._loop.quit()
        except PlugInError as error:
            self._window.say(str(error))
            self._window.ready(False)

    def _send(self) -> None:
        """Let the picture follow what is painted now."""
        if self._latest is None and not self._open():
            return
        assert self._latest is not None
        self._gaps.stroke()
        self._latest.offer(
            LiveRepaint(
                photo=self._subject.photo,
                layers=self._painted,
                steps=STEPS,
                resume=self._begun,
                only=self._only(),
                redrawn=self._subject.photo != part_layers.drawn_for(self._group),
            )
        )

    def _only(self) -> tuple[str, ...] | None:
        group = part_layers.find_group(self._image, self._subject.subject)
        return part_layers.made_in(group) if group else None

    def _open(self) -> bool:
        """Connect, and make sure that the backend has the photo."""
        self._opening = True  # the main loop turns meanwhile, and with it the timer
        try:
            session = Session(self._view)
            self._session = session
            self._subject = sending.ensure_photo(session, self._photo, self._subject)
            self._latest = Latest(session.connection, self._happened, self._finished)
        except PlugInError as error:
            self._lose(str(error))
            return False
        finally:
            self._opening = False
        return True

    def _lose(self, reason: str) -> None:
        """Without a backend; the next stroke starts one."""
        if self._latest:
            self._latest.close()
        if self._session:
            self._session.connection.close()
        self._session = self._latest = None
        self._window.say(reason)

    # --- showing ---

    def _happened(self, event: Event) -> None:
        if isinstance(event, Preview):
            self._begun = True
            self._gaps.preview()
            self._window.show(event)
            self._window.ready(True)
        elif isinstance(event, Progress):
            self._window.say(_("Following the brush. {text}").format(text=backend_text(event.text)))

    def _finished(self, answer: Message | BackendError) -> None:
        if isinstance(answer, LiveRepainted):
            self.vector, self._begun = answer, True
            share = round(100 * answer.report.agreement)
            self._window.say(_("{share}% of the repainted area matches.").format(share=share))
        elif isinstance(answer, BackendError):
            self._failed(answer)
        self._gaps.rest()
        if self.wanted and self._latest and not self._latest.busy:
            self._loop.quit()

    def _failed(self, error: BackendError) -> None:
        if error.code == "cancelled":  # it had not begun when the next stroke came
            return
        self.vector, self._begun, self.wanted = None, False, False
        self._window.ready(False)
        if error.code == "nothing_changed":
            self._show_photo()
        elif error.code in LOST:
            self._lose(backend_error(error.code, error.message))
            self._watch = Watch(
                self._image, self._photo, self._subject
            )  # send again what is painted
        else:
            self._window.say(backend_error(error.code, error.message))

    def _show_photo(self) -> None:
        stack = stack_layers.find(self._image, [], self._subject).stack
        others = tuple(entry for entry in stack.counting if entry.name != stacks.PAINTED)
        text = _("Paint on a part's layer: the face follows the brush.")
        if others:
            title = replace(stack, entries=others).title()
            alone = _("What you paint is shown alone here; Keep adds it to “{title}”.")
            text = f"{text} {alone.format(title=title)}"
        small, scale = thumbnail.shrunken(self._photo.layer)
        self._window.show_photo(small, self._subject.rect.scaled(1 / scale))
        self._window.say(text)

    def _let_parts_be_seen(self, visible: bool) -> None:
        with no_trace(self._image):
            self._group.set_visible(visible)
        Gimp.displays_flush()

    def _answered(self, keep: bool) -> None:
        self.wanted = keep
        if not keep:
            self._view.cancelled.set()
        if not keep or self._latest is None or not self._latest.busy:
            self._loop.quit()
            return
        self._window.ready(False)
        self._window.say(_("Keeping what you see"))
        self._latest.end_soon()  # `_finished` goes on


class Gaps:
    """How long previews let the photographer wait, for the report."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._longest = 0.0
        self._strokes = self._previews = 0

    def stroke(self) -> None:
        self._strokes += 1
        self._last = self._last or time.monotonic()

    def preview(self) -> None:
        now = time.monotonic()
        if self._last is not None:
            self._longest = max(self._longest, now - self._last)
        self._last = now
        self._previews += 1

    def rest(self) -> None:
        """The picture has settled: nobody waits for a preview."""
        self._last = None

    def report(self) -> Report:
        return {
            "strokes": self._strokes,
            "previews": self._previews,
            "longest_wait": self._longest,
        }
