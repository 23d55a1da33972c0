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
from gi.repository import Gimp, GObject

from link.report import Report
from link.texts import _

MENU = "<Image>/Filters/EditGAN"
# GIMP sorts a menu's commands by their paths and labels, and leaves out a section in brackets that
# no menu has: so the number decides the order, and nobody sees it
PLACE = f"{MENU}/[{{number:02}}]"
WRITABLE = GObject.ParamFlags.READWRITE


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
            prepare()
            if interactive:
                from windows import indexed

                indexed.offer_rgb(image)
            return getattr(procedures, command)(image, drawables, config, interactive)

        return procedures.answer(procedure, work)

    return run


def run_status(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, _data: object
) -> Gimp.ValueArray:
    import procedures

    def work() -> Report:
        prepare()
        interactive = config.get_property("run-mode") == Gimp.RunMode.INTERACTIVE
        return procedures.status(config, interactive)

    return procedures.answer(procedure, work)


def prepare() -> None:
    from link import install_paths

    install_paths.use_installed_home()
    install_paths.make_importable()


def choice(*options: tuple[str, str, str]) -> Gimp.Choice:
    """A choice argument's options: name, label, help."""
    made = Gimp.Choice.new()
    for number, (name, label, blurb) in enumerate(options):
        made.add(name, number, label, blurb)
    return made


def add_segment(procedure: Gimp.Procedure) -> None:
    procedure.add_string_argument(
        "bundle", _("_Model"), _("The model for the photo's subject"), "faces", WRITABLE
    )
    levels = choice(
        ("default", _("As in the settings"), _("What Backend Status and Settings says")),
        ("fast", _("Fast"), _("The encoder and a few steps")),
        ("balanced", _("Balanced"), _("More steps, higher fidelity")),
        ("faithful", _("Faithful"), _("Many steps, the highest fidelity")),
    )
    blurb = _("How closely the model should match the photo before editing")
    procedure.add_choice_argument("level", _("_Fidelity"), blurb, levels, "default", WRITABLE)
    blurb = _("Add a layer that shows where the model is unsure of the parts")
    procedure.add_boolean_argument("uncertainty", _("Show _uncertainty"), blurb, False, WRITABLE)


def add_repaint(procedure: Gimp.Procedure) -> None:
    procedure.add_int_argument(
        "steps", _("Ste_ps"), _("Optimisation steps"), 1, 1000, 100, WRITABLE
    )
    procedure.add_string_argument(
        "name", _("Layer _name"), _("The result layer's name"), _("Repaint"), WRITABLE
    )
    blurb = _("Also save the learned edit to the library under this name (leave empty to skip)")
    procedure.add_string_argument("save-as", _("Save as _edit"), blurb, "", WRITABLE)


def add_borrow(procedure: Gimp.Procedure) -> None:
    blurb = _("The open image that gives the parts")
    procedure.add_image_argument("other", _("_From"), blurb, True, WRITABLE)
    blurb = _("Parts or part groups, separated by commas: eyes, mouth")
    procedure.add_string_argument("parts", _("_Parts"), blurb, "eyes", WRITABLE)
    kinds = choice(
        ("look", _("Shape and look"), _("The other photo's pixels, in this photo's light")),
        ("shape", _("Shape only"), _("This photo's own pixels, moved into the other one's shape")),
    )
    procedure.add_choice_argument("take", _("_Take"), _("What to take"), kinds, "look", WRITABLE)
    procedure.add_int_argument("steps", _("Ste_ps"), _("Optimisation steps"), 1, 1000, 60, WRITABLE)


def add_best_take(procedure: Gimp.Procedure) -> None:
    blurb = _("What to take: face, or groups of parts, or parts, with commas between them")
    procedure.add_string_argument("parts", _("_Parts"), blurb, "face", WRITABLE)
    procedure.add_int_argument("steps", _("Ste_ps"), _("Optimisation steps"), 1, 1000, 60, WRITABLE)


def add_apply(procedure: Gimp.Procedure) -> None:
    blurb = _("Name of an edit in the library")
    procedure.add_string_argument("edit", _("_Edit"), blurb, "", WRITABLE)
    blurb = _("Strength: 1 = as learned, 0 = off, negative = the opposite")
    procedure.add_double_argument("scale", _("Stren_gth"), blurb, -3.0, 3.0, 1.0, WRITABLE)
    blurb = _('Several edits instead of one, JSON: [{"edit": "smile", "scale": 0.8}, ...]')
    procedure.add_string_argument("edits", _("E_dits"), blurb, "", WRITABLE)
    blurb = _("Extra steps that remove artifacts")
    procedure.add_int_argument("refine", _("Re_finement steps"), blurb, 0, 100, 0, WRITABLE)


def add_save_edit(procedure: Gimp.Procedure) -> None:
    procedure.add_string_argument(
        "name", _("_Name"), _("The edit's name in the library"), "", WRITABLE
    )
    procedure.add_string_argument(
        "description", _("_Description"), _("What the edit does"), "", WRITABLE
    )
    blurb = _("Parts this edit may change, separated by commas (empty: all it learned)")
    procedure.add_string_argument("parts", _("_Parts"), blurb, "", WRITABLE)
    blurb = _("More results to learn from, as image:subject pairs, e.g. 3:1, 5:1 (empty: none)")
    procedure.add_string_argument("images", _("_Images"), blurb, "", WRITABLE)


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
STATUS = "plug-in-editgan-status"


class EditGan(Gimp.PlugIn):
    def do_set_i18n(self, _name: str) -> bool:
        return False  # texts are translated by texts.py

    def do_query_procedures(self) -> list[str]:
        return [*COMMANDS, STATUS]

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        procedure = self._status(name) if name == STATUS else self._on_image(name)
        number = [*COMMANDS, STATUS].index(name)
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
        procedure.add_enum_argument(
            "run-mode",
            _("Run mode"),
            _("The run mode"),
            Gimp.RunMode,
            Gimp.RunMode.NONINTERACTIVE,
            WRITABLE,
        )
        actions = choice(
            ("report", _("Report"), _("Report, starting a backend if none runs")),
            ("restart", _("Restart"), _("Stop it, start it again and report")),
            ("stop", _("Stop"), _("Stop it")),
        )
        procedure.add_choice_argument(
            "action", _("_Action"), _("What to do"), actions, "report", WRITABLE
        )
        return procedure


Gimp.main(EditGan.__gtype__, sys.argv)
