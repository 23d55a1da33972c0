"""The procedures' run functions: arguments in, dialog where wanted, report or error out."""

from __future__ import annotations

import dataclasses
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from backend_texts import backend_text
from errors import CommandCancelled, PlugInError
from gi.repository import Gimp, GLib, GObject
from texts import _

Report = dict[str, Any]
Drawables = Sequence[Gimp.Drawable]


def answer(procedure: Gimp.Procedure, work: Callable[[], Report]) -> Gimp.ValueArray:
    """Run a command; what it raises becomes GIMP's own error message, never silence."""
    try:
        return _success(procedure, work())
    except CommandCancelled:
        return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    except PlugInError as error:
        return _failure(procedure, str(error))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return _failure(
            procedure,
            _(
                "EditGAN met an unexpected problem ({kind}: {error}): "
                "the image is unchanged, please report it."
            ).format(kind=type(error).__name__, error=str(error)[:200]),
        )


def _success(procedure: Gimp.Procedure, report: Report) -> Gimp.ValueArray:
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(GObject.TYPE_STRING, json.dumps(report)))
    return values


def _failure(procedure: Gimp.Procedure, message: str) -> Gimp.ValueArray:
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)


@contextmanager
def showing(title: str, *, preview: bool = False) -> Iterator[Any]:
    """A view for the time of a job."""
    from views import PreviewView, ProgressView

    view = PreviewView(title) if preview else ProgressView(title)
    try:
        yield view
    finally:
        view.close()


def text(config: Any, name: str) -> str:
    """A text argument; GIMP sends an empty one as None."""
    return (config.get_property(name) or "").strip()


def segment(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    import photo
    import segment
    import settings

    photo.find(image, drawables)  # what cannot work is said before any dialog
    if interactive:
        import dialogs

        dialogs.segment(config, _bundles())
    level = settings.level(config.get_property("level"))
    with showing(_("Segmenting parts")) as view:
        wish = segment.Wish(
            bundle=text(config, "bundle"),
            level=level,
            uncertainty=config.get_property("uncertainty"),
        )
        report = segment.run(image, drawables, wish, view)
    if interactive and (news := summary(report)):
        Gimp.message(news)
    return report


def repaint(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    import repaint

    repaint.find(image, drawables)
    if interactive:
        import dialogs

        dialogs.repaint(config)
    with showing(_("Applying the repaint"), preview=interactive) as view:
        return repaint.run(
            image,
            drawables,
            steps=config.get_property("steps"),
            name=text(config, "name") or _("Repaint"),
            save_as=text(config, "save-as"),
            view=view,
        )


def live(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    if not interactive:
        raise PlugInError(_("Live Repaint is a window: choose it from Filters > EditGAN."))
    import live

    return live.run(image, drawables)


def borrow(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    import borrow

    _photo, kept = borrow.find(image, drawables)
    if interactive:
        import borrow_dialog
        from session import Session

        images = borrow.others(image)
        if not images:
            raise PlugInError(_("There is no other image to borrow from: open it first."))
        with showing(_("Starting the backend")) as view, Session(view) as session:
            groups = borrow.groups_of(session, kept.bundle)
        borrow_dialog.run(config, images, groups)
    with showing(_("Borrowing"), preview=interactive) as view:
        return borrow.run(
            image,
            drawables,
            other=config.get_property("other"),
            parts=text(config, "parts"),
            take=config.get_property("take"),
            steps=config.get_property("steps"),
            view=view,
        )


def apply(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    import apply

    apply.find(image, drawables)  # what cannot work is said before any dialog
    if interactive:
        import library

        return library.run(image, drawables, config)
    with showing(_("Applying the edits")) as view:
        return apply.run(
            image,
            drawables,
            edits=_edits(config),
            refine=config.get_property("refine"),
            view=view,
        )


def _edits(config: Any) -> list[tuple[str, float | None]]:
    """The arguments `edits` (JSON) or, where that is empty, `edit` and `scale`."""
    import stack

    if edits := text(config, "edits"):
        return stack.parse(edits)
    edit = text(config, "edit")
    return [(edit, config.get_property("scale"))] if edit else []


def save_edit(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    import save_edit

    kept, edit = save_edit.find(image, drawables)
    if interactive:
        _ask_how_to_save(image, kept, edit, config)
    with showing(_("Saving the edit")) as view:
        report = save_edit.run(
            image,
            drawables,
            name=text(config, "name"),
            description=text(config, "description"),
            parts=_listed(config, "parts"),
            images=_listed(config, "images"),
            view=view,
        )
    if interactive:
        Gimp.message(_("Saved to the edit library as “{name}”.").format(name=report["saved_as"]))
    return report


def _ask_how_to_save(image: Gimp.Image, kept: Any, edit: Any, config: Any) -> None:
    import photo
    import save_edit
    from save_dialog import SaveDialog
    from session import Session

    with showing(_("Looking at the edit")) as view, Session(view) as session:
        dialog = SaveDialog(edit, save_edit.sources(image, kept, edit))
        dialog.connect_to(session, photo.remembered(image, kept), kept)
        view.close()
        dialog.run(config)


def _listed(config: Any, name: str) -> list[str]:
    """A text argument that lists things between commas."""
    return [item.strip() for item in text(config, name).split(",") if item.strip()]


def status(config: Any, interactive: bool) -> Report:
    """The actions report and restart start a backend if none runs, stop does not."""
    action = config.get_property("action")
    if interactive and action == "report":
        import status_dialog

        state = status_dialog.run()
        return dataclasses.asdict(state.report) if state else {}
    import status

    with showing(_("Asking the backend")) as view:
        stopped = status.stop(view) if action in ("stop", "restart") else False
        if action == "stop":
            return {"stopped": stopped}
        return dataclasses.asdict(status.fetch(view))


def summary(report: Report) -> str:
    """What the photographer should know about a segmentation; one line, GIMP's status bar has no
    more.
    """
    news = [backend_text(str(report.get("verdict") or ""))]
    if len(report["groups"]) > 1:
        news.insert(0, _("{count} subjects.").format(count=len(report["groups"])))
    if report.get("quality", "well") != "well" and report.get("level") != "faithful":
        news.append(_("Segment again with the likeness Faithful for a closer one."))
    return " ".join(filter(None, news))


def _bundles() -> list[str]:
    from session import Session

    with showing(_("Starting the backend")) as view, Session(view) as session:
        return session.connection.welcome.bundles
