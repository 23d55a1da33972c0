"""The arguments of the procedures, as GIMP shows them and scripts give them."""

from __future__ import annotations

from gi.repository import Gimp, GObject

from link.texts import _

WRITABLE = GObject.ParamFlags.READWRITE


def choice(*options: tuple[str, str, str]) -> Gimp.Choice:
    """A choice argument's options: name, label, help."""
    made = Gimp.Choice.new()
    for number, (name, label, blurb) in enumerate(options):
        made.add(name, number, label, blurb)
    return made


def add_run_mode(procedure: Gimp.Procedure) -> None:
    """GIMP gives it to procedures on images by itself."""
    blurb, quiet = _("The run mode"), Gimp.RunMode.NONINTERACTIVE
    procedure.add_enum_argument("run-mode", _("Run mode"), blurb, Gimp.RunMode, quiet, WRITABLE)


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
