"""Edit Library with its dialog: open the photo, let the user choose, write the layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gi.repository import Gimp

from commands import apply, stack_result
from image import photos, stack_layers, stacks
from link.backend_texts import bundle_in_users_language
from link.report import Report
from link.session import Session
from link.texts import _
from windows.views import showing


def run(image: Gimp.Image, drawables: Sequence[Gimp.Drawable], config: Any) -> Report:
    """Raises CommandCancelled with the image as it was."""
    from windows.edited_subject import EditedSubject
    from windows.library_dialog import LibraryDialog

    with showing(_("Opening the edit library")) as view, Session(view) as session:
        photo, subject = apply.opened(session, image, drawables)
        found = stack_layers.find(image, drawables, subject)
        about = EditedSubject(photo, subject, found, _licence(session, subject.bundle))
        dialog = LibraryDialog(session, about)
        view.close()
        stack = dialog.run()
    _remember(config, stack)
    photo, subject = photos.again(photo, about.subject)
    title = _("Applying the edits")
    # a new session: the backend may have been started anew while the dialog was open
    with showing(title, preview=image if stack.refine else None) as view, Session(view) as session:
        return stack_result.commit(session, photo, subject, stack, found)


def _licence(session: Session, bundle: str) -> str:
    status = session.background(session.connection.status)
    described = (bundle_in_users_language(one) for one in status.bundles if one.name == bundle)
    return next((one.license for one in described), "")


def _remember(config: Any, stack: stacks.Stack) -> None:
    """For GIMP's Repeat: the same stack on another photo."""
    config.set_property("edits", stacks.as_json(stack))
    config.set_property("refine", stack.refine)
