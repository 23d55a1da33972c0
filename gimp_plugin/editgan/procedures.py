"""The procedures' run functions: arguments in, dialog where wanted, report or error out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

from gi.repository import Gimp, GLib, GObject

from link.backend_texts import backend_text
from link.errors import CommandCancelled, PlugInError, unexpected
from link.report import Report
from link.texts import _

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
        return _failure(procedure, unexpected(error))


def _success(procedure: Gimp.Procedure, report: Report) -> Gimp.ValueArray:
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(GObject.TYPE_STRING, json.dumps(report)))
    return values


def _failure(procedure: Gimp.Procedure, message: str) -> Gimp.ValueArray:
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)


def text(config: Any, name: str) -> str:
    """A text argument; GIMP sends an empty one as None."""
    return (config.get_property(name) or "").strip()


def window(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from image import photos

    photo = photos.find(image, drawables)  # what cannot work is said before any window
    if not interactive:
        raise PlugInError(_("EditGAN is a window: choose it from Filters > EditGAN."))
    from windows import one_window
    from windows.editgan_window import EditGanWindow

    if one_window.call_open(image):
        return {"people": 0, "kept": 0}
    commands = {
        "plug-in-editgan-best-take": best_take,
        "plug-in-editgan-everywhere": everywhere,
        "plug-in-editgan-borrow": borrow,
        "plug-in-editgan-save-edit": save_edit,
        "plug-in-editgan-apply": apply,
    }
    return EditGanWindow(photo, drawables, commands).run()


def segment(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from commands import segment as command
    from commands.embedding import Wish
    from image import photos
    from link import settings
    from windows.views import showing

    photos.find(image, drawables)  # what cannot work is said before any dialog
    if interactive:
        from link import status
        from windows import dialogs

        with showing(_("Starting the backend")) as view:
            models = status.models(view)
        dialogs.segment(image, config, models)
    wish = Wish(
        bundle=text(config, "bundle"),
        level=settings.level(config.get_property("level")),
        uncertainty=config.get_property("uncertainty"),
    )
    with showing(_("Segmenting parts")) as view:
        report = command.run(image, drawables, wish, view)
    if interactive and (news := summary(report)):
        Gimp.message(news)
    return report


def correct(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from commands import correct as command
    from commands import repaint as painted
    from windows.views import showing

    painted.find(image, drawables)
    with showing(_("Correcting the parts")) as view:
        report = command.run(image, drawables, view=view)
    if interactive and (news := summary(report)):
        Gimp.message(news)
    return report


def label(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from commands import label_photo
    from windows.views import showing

    with showing(_("Saving the label")) as view:
        report = label_photo.run(image, drawables, view=view)
    if interactive:
        said = _("Saved: the model “{bundle}” has {count} labelled pictures now.")
        Gimp.message(said.format(bundle=report["bundle"], count=report["labelled"]))
    return report


def new_model(interactive: bool) -> Report:
    if not interactive:
        raise PlugInError(_("New Model is a window: choose it from Filters > EditGAN."))
    from windows import new_model as window

    return window.run()


def repaint(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from commands import repaint as command
    from windows.views import showing

    command.find(image, drawables)
    if interactive:
        from windows import dialogs

        dialogs.repaint(image, config)
    with showing(_("Applying the repaint"), preview=image if interactive else None) as view:
        return command.run(
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
    from windows import live as window

    return window.run(image, drawables)


def borrow(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from commands import apply
    from commands import borrow as command
    from windows.views import showing

    _photo, subject = apply.find(image, drawables)
    if interactive:
        from link.session import Session
        from windows import borrow_dialog

        images = command.others(image)
        if not images:
            raise PlugInError(_("There is no other image to borrow from: open it first."))
        with showing(_("Starting the backend")) as view, Session(view) as session:
            bundle = subject.bundle if subject else apply.DEFAULT_BUNDLE
            groups = command.groups_of(session, bundle)
        borrow_dialog.run(image, config, images, groups)
    with showing(_("Borrowing"), preview=image if interactive else None) as view:
        return command.run(
            image,
            drawables,
            other=config.get_property("other"),
            parts=text(config, "parts"),
            take=config.get_property("take"),
            steps=config.get_property("steps"),
            view=view,
        )


def best_take(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from windows import series

    return series.best_take(image, drawables, config, interactive)


def everywhere(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from windows import series

    return series.everywhere(image, drawables, interactive)


def apply(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from commands import apply as command
    from windows.views import showing

    command.find(image, drawables)  # what cannot work is said before any dialog
    if interactive:
        from windows import library

        return library.run(image, drawables, config)
    with showing(_("Applying the edits")) as view:
        return command.run(
            image,
            drawables,
            edits=_edits(config),
            refine=config.get_property("refine"),
            view=view,
        )


def _edits(config: Any) -> list[tuple[str, float | None]]:
    """The arguments `edits` (JSON) or, where that is empty, `edit` and `scale`."""
    from image import stacks

    if edits := text(config, "edits"):
        return stacks.parse(edits)
    edit = text(config, "edit")
    return [(edit, config.get_property("scale"))] if edit else []


def save_edit(image: Gimp.Image, drawables: Drawables, config: Any, interactive: bool) -> Report:
    from commands import save_edit as command
    from windows import views

    subject, edit = command.find(image, drawables)
    if interactive:
        _ask_how_to_save(image, subject, edit, config)
    with views.showing(_("Saving the edit")) as view:
        report = command.run(
            image,
            drawables,
            name=text(config, "name"),
            description=text(config, "description"),
            parts=_listed(config, "parts"),
            images=_listed(config, "images"),
            view=view,
        )
    if interactive:
        said = _("Saved to the edit library as “{name}”.")
        views.tell(said.format(name=text(config, "name")))
    return report


def _ask_how_to_save(image: Gimp.Image, subject: Any, edit: Any, config: Any) -> None:
    from commands import save_edit
    from image import photos
    from link.session import Session
    from windows.save_dialog import SaveDialog
    from windows.views import showing

    with showing(_("Rendering a preview")) as view, Session(view) as session:
        photo, subject = photos.remembered(image, subject)
        others = save_edit.sources(image, subject, edit)
        dialog = SaveDialog(session, photo, subject, edit, others)
        view.close()
        dialog.run(config)


def _listed(config: Any, name: str) -> list[str]:
    """A text argument that lists things between commas."""
    return [item.strip() for item in text(config, name).split(",") if item.strip()]


def status(config: Any, interactive: bool) -> Report:
    """The actions report and restart start a backend if none runs, stop does not."""
    action = config.get_property("action")
    if interactive and action == "report":
        from windows import status_dialog

        state = status_dialog.run()
        return dataclasses.asdict(state.report) if state else {}
    from link import status
    from windows.views import showing

    with showing(_("Asking the backend")) as view:
        stopped = status.stop(view) if action in ("stop", "restart") else False
        if action == "stop":
            return {"stopped": stopped}
        return dataclasses.asdict(status.fetch(view))


def summary(report: Report) -> str:
    """What the photographer should know about a segmentation; one line, GIMP's status bar has no
    more.
    """
    verdict = backend_text(str(report.get("verdict") or ""))
    if len(report["groups"]) > 1 and verdict:
        verdict = _("Face {number}: {verdict}").format(number=report["subject"], verdict=verdict)
    news = [verdict]
    if len(report["groups"]) > 1:
        news.insert(0, _("{count} subjects.").format(count=len(report["groups"])))
    if report.get("left_out"):
        news.append(_("Blurred faces in the background were left out: select one to segment it."))
    if report.get("quality", "well") != "well" and report.get("level") != "faithful":
        news.append(_("Segment again with the fidelity Faithful for a closer match."))
    return " ".join(filter(None, news))
