"""Best Take, and the same edits in all open images: looking, asking, doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gi

gi.require_version("GimpUi", "3.0")
from gi.repository import Gimp, GimpUi

from commands import best_take as taking
from commands import borrow
from commands import everywhere as spreading
from link.report import Report
from link.session import Session
from link.texts import _
from windows import dialogs, frames_dialogs, views
from windows.frames_dialogs import BestTakeDialog
from windows.views import showing

Drawables = Sequence[Gimp.Drawable]


def best_take(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    """What is suggested, or what is chosen in the dialog. Raises CommandCancelled."""
    what = (config.get_property("parts") or "").strip() or taking.FACE
    with showing(_("Looking for the same people")) as view, Session(view) as session:
        takes = taking.look(session, image, drawables)
        groups = borrow.groups_of(session, takes.mine[0].bundle) if interactive else {}
    chosen = takes.suggested(what)
    if interactive:
        GimpUi.init(dialogs.ROLE)
        chosen, what = BestTakeDialog(takes, list(groups), what).run()
        config.set_property("parts", what)
    steps = config.get_property("steps")
    with (
        showing(_("Taking the best"), preview=image if interactive else None) as view,
        Session(view) as session,
    ):
        return taking.take(session, takes, chosen, what, steps)


def everywhere(image: Gimp.Image, drawables: Drawables, interactive: bool) -> Report:
    """All in whom the person is known again, or those ticked in the dialog. Raises
    CommandCancelled.
    """
    subject, stack = spreading.find(image, drawables)
    with showing(_("Looking for the same person")) as view, Session(view) as session:
        wanted = spreading.look(session, image, subject)
    if interactive:
        GimpUi.init(dialogs.ROLE)
        wanted = frames_dialogs.ask_which(image, wanted)
    with (
        showing(_("Applying the edits"), preview=image if interactive else None) as view,
        Session(view) as session,
    ):
        report = spreading.put(session, stack, wanted)
    if interactive:
        views.tell(_told(report))
    return report


def _told(report: Report) -> str:
    """What became of it in each image."""
    done = ", ".join(one["image"] for one in report["images"])
    lines = [_("The edits are in: {images}.").format(images=done)]
    lines += [f"{image}: {problem}" for image, problem in report["failed"].items()]
    return "\n".join(lines)
