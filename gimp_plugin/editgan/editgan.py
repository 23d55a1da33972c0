#!/usr/bin/env python3
"""EditGAN for GIMP 3: registers the commands below Filters > EditGAN.

Every call is a new process, so this file only registers; the rest is imported by the command that
runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from arguments import (
    WRITABLE,
    add_apply,
    add_best_take,
    add_borrow,
    add_repaint,
    add_run_mode,
    add_save_edit,
    add_segment,
    choice,
)
from gi.repository import Gimp

from link.errors import CommandCancelled, PlugInError
from link.report import Report
from link.texts import _

MENU = "<Image>/Filters/EditGAN"
# GIMP sorts a menu's commands by their paths and labels, and leaves out a section in brackets that
# no menu has: so the number decides the order, and nobody sees it
PLACE = f"{MENU}/[{{number:02}}]"


def main_of(command: str) -> Any:
    """The run function of an image procedure whose work is `procedures.<command>`."""

    def run(
        procedure: Gimp.Procedure,
        mode: Gimp.RunMode,
        image: Gimp.Image,
        drawables: list[Gimp.Drawable],
        config: Gimp.ProcedureConfig,
        _data: object,
    ) -> Gimp.ValueArray:
        import procedures

        interactive = mode == Gimp.RunMode.INTERACTIVE

        def work() -> Report:
            prepare(interactive)
            if interactive:
                from windows import indexed

                indexed.offer_rgb(image)
            try:
                report = getattr(procedures, command)(image, drawables, config, interactive)
            except PlugInError:
                raise
            except Exception as error:
                if interactive and not image.is_valid():  # closed in the middle of a call about it
                    raise CommandCancelled from error
                raise
            if interactive and not image.is_valid():
                raise CommandCancelled  # else GIMP would note the arguments on it, and complain
            return report

        return procedures.answer(procedure, work)

    return run


def run_status(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, _data: object
) -> Gimp.ValueArray:
    import procedures

    def work() -> Report:
        interactive = config.get_property("run-mode") == Gimp.RunMode.INTERACTIVE
        prepare(interactive)
        return procedures.status(config, interactive)

    return procedures.answer(procedure, work)


def run_new_model(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, _data: object
) -> Gimp.ValueArray:
    import procedures

    def work() -> Report:
        interactive = config.get_property("run-mode") == Gimp.RunMode.INTERACTIVE
        prepare(interactive)
        return procedures.new_model(interactive)

    return procedures.answer(procedure, work)


def prepare(interactive: bool) -> None:
    from link import install_paths

    install_paths.use_installed_home()
    install_paths.make_importable()
    if interactive:
        # The user may close the image between two calls about it: GIMP would show an error for each
        Gimp.get_plug_in().set_pdb_error_handler(Gimp.PDBErrorHandler.PLUGIN)


# procedure: (command, menu label, what it does, its arguments)
COMMANDS: dict[str, tuple[str, str, str, Callable[[Gimp.Procedure], None]]] = {
    "plug-in-editgan-window": (
        "window",
        _("Edit_GAN..."),
        _(
            "A window that stays: the people in the photo, edits on the face that you choose, "
            "painting; the canvas shows what they do"
        ),
        lambda _procedure: None,
    ),
    "plug-in-editgan-segment": (
        "segment",
        _("_Segment Parts..."),
        _(
            "Find the photo's subjects and show their parts as layers to paint on, one group for "
            "each. With a selection, only the subject in it."
        ),
        add_segment,
    ),
    "plug-in-editgan-correct": (
        "correct",
        _("_Correct Parts"),
        _(
            "What is painted on the part layers is where the parts of the photo really are: find "
            "it in the model anew by them, and change nothing in the photo"
        ),
        lambda _procedure: None,
    ),
    "plug-in-editgan-label": (
        "label",
        _("Save Parts as a La_bel"),
        _(
            "What is painted on the part layers is kept as a label that the model can be trained "
            "on, and nothing in the photo changes"
        ),
        lambda _procedure: None,
    ),
    "plug-in-editgan-repaint": (
        "repaint",
        _("Apply _Repaint..."),
        _(
            "Change the photo until it agrees with the painted part layers. Only the alpha of the "
            "part layers counts; their visibility, opacity and colour do not."
        ),
        add_repaint,
    ),
    "plug-in-editgan-live": (
        "live",
        _("_Live Repaint..."),
        _(
            "See the photo change while you paint on the part layers; Keep adds the result as a "
            "layer"
        ),
        lambda _procedure: None,
    ),
    "plug-in-editgan-borrow": (
        "borrow",
        _("Borrow from Another _Photo..."),
        _("Copy the shape or appearance of parts from another open photo"),
        add_borrow,
    ),
    "plug-in-editgan-best-take": (
        "best_take",
        _("Best Ta_ke..."),
        _(
            "Of several open frames of one group, each person as they look best: open eyes and "
            "smiles are suggested, a click takes another one"
        ),
        add_best_take,
    ),
    "plug-in-editgan-everywhere": (
        "everywhere",
        _("Same Edits in All _Open Images..."),
        _(
            "Lay the edits on this face on the same person in every other open image, where the "
            "person is known again"
        ),
        lambda _procedure: None,
    ),
    "plug-in-editgan-save-edit": (
        "save_edit",
        _("Save as _Edit..."),
        _("Save what the last repaint learned in the edit library"),
        add_save_edit,
    ),
    "plug-in-editgan-apply": (
        "apply",
        _("Edit Librar_y..."),
        _("Apply edits of the library to the photo, each as strong as you like, as one layer"),
        add_apply,
    ),
}
STATUS, NEW_MODEL = "plug-in-editgan-status", "plug-in-editgan-new-model"


class EditGan(Gimp.PlugIn):
    def do_set_i18n(self, _name: str) -> bool:
        return False  # texts are translated by texts.py

    def do_query_procedures(self) -> list[str]:
        return [*COMMANDS, NEW_MODEL, STATUS]

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        makers = {STATUS: self._status, NEW_MODEL: self._new_model}
        procedure = makers.get(name, self._on_image)(name)
        number = [*COMMANDS, NEW_MODEL, STATUS].index(name)
        procedure.add_menu_path(PLACE.format(number=number))
        procedure.set_attribution("EditGAN for GIMP contributors", "MIT licence", "2026")
        procedure.add_string_return_value("report", _("Report"), _("A JSON text"), "", WRITABLE)
        return procedure

    def _on_image(self, name: str) -> Gimp.Procedure:
        command, label, blurb, add_arguments = COMMANDS[name]
        procedure = Gimp.ImageProcedure.new(
            self, name, Gimp.PDBProcType.PLUGIN, main_of(command), None
        )
        # any image: what cannot work is told in a sentence rather than by a grey menu entry
        procedure.set_image_types("*")
        mask = Gimp.ProcedureSensitivityMask
        procedure.set_sensitivity_mask(mask.DRAWABLE | mask.DRAWABLES | mask.NO_DRAWABLES)
        procedure.set_menu_label(label)
        blurb = f"EditGAN: {blurb}"  # GIMP's search for actions finds it by that
        procedure.set_documentation(blurb, blurb, None)
        add_arguments(procedure)
        return procedure

    def _status(self, name: str) -> Gimp.Procedure:
        procedure = Gimp.Procedure.new(self, name, Gimp.PDBProcType.PLUGIN, run_status, None)
        procedure.set_menu_label(_("_Backend Status and Settings..."))
        blurb = _(
            "Show EditGAN's backend: its device, models and their licences; choose how and where "
            "it works"
        )
        procedure.set_documentation(blurb, blurb, name)
        add_run_mode(procedure)
        actions = choice(
            ("report", _("Report"), _("Report, starting a backend if none runs")),
            ("restart", _("Restart"), _("Stop it, start it again and report")),
            ("stop", _("Stop"), _("Stop it")),
        )
        procedure.add_choice_argument(
            "action", _("_Action"), _("What to do"), actions, "report", WRITABLE
        )
        return procedure

    def _new_model(self, name: str) -> Gimp.Procedure:
        procedure = Gimp.Procedure.new(self, name, Gimp.PDBProcType.PLUGIN, run_new_model, None)
        procedure.set_menu_label(_("_New Model..."))
        blurb = _(
            "Give a model of your own parts: paint them on its own pictures, then it learns them"
        )
        blurb = f"EditGAN: {blurb}"
        procedure.set_documentation(blurb, blurb, name)
        add_run_mode(procedure)
        return procedure


Gimp.main(EditGan.__gtype__, sys.argv)
