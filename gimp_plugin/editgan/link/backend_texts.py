"""What the backend says, in the user's language.

The backend speaks English. Its progress texts and verdicts are few and fixed: they are translated
here, as are the titles of presets and what is said of models that everybody has. An error's
sentence is full of names and numbers: in other languages than English a sentence for its code
(docs/protocol.md) comes first, and the backend's own behind it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from link.texts import IN_ENGLISH, _
from protocol.messages import BundleInfo, DownloadableModel, EditInfo

FIXED = {
    "Getting ready": _("Getting ready"),
    "Waiting for earlier work": _("Waiting for earlier work"),
    "Starting": _("Starting"),
    "The graphics memory is full; working without it, which takes longer": _(
        "The graphics memory is full; working without it, which takes longer"
    ),
    "Embedding": _("Embedding"),
    "Drawing the parts": _("Drawing the parts"),
    "Blending it into the photo": _("Blending it into the photo"),
    "Calibrating the range": _("Calibrating the range"),
    "Testing on other photos": _("Testing on other photos"),
    "Rendering previews": _("Rendering previews"),
    "Learning the parts": _("Learning the parts"),
    "Learning to find codes": _("Learning to find codes"),
    "Drawing samples": _("Drawing samples"),
    "Asking the server": _("Asking the server"),
    "Reading the checkpoint": _("Reading the checkpoint"),
    "Done": _("Done"),
    "The model represents this subject well.": _("The model represents this subject well."),
    "The model represents this subject roughly; small edits will look best.": _(
        "The model represents this subject roughly; small edits will look best."
    ),
    "The model represents this subject poorly; edits may not look like the same subject.": _(
        "The model represents this subject poorly; edits may not look like the same subject."
    ),
}
ERRORS = {
    "protocol_version": _("Plug-in and backend are of different versions: install EditGAN again."),
    "bad_message": _("The plug-in and the backend do not match: install EditGAN again."),
    "bad_settings": _("EditGAN's settings or keys cannot be used."),
    "backend_missing": _("The backend is not running and could not be started."),
    "backend_failed": _("The backend ended while it was starting."),
    "backend_lost": _("The backend stopped responding: try again."),
    "shutting_down": _("The backend is shutting down: try again."),
    "busy": _("Too much work is waiting: try again in a moment."),
    "unknown_photo": _("The backend no longer has this photo: segment it again."),
    "unknown_bundle": _("This model is not installed."),
    "bad_bundle": _("The model's files are damaged: install it again."),
    "incomplete_bundle": _("This model can draw pictures, but not open photos yet."),
    "wrong_bundle": _("This was made with a different model."),
    "unknown_edit": _("This edit is not in the library."),
    "unknown_recipe": _("This model has no such recipe."),
    "no_subject": _("No subject was found in the photo or in the selection."),
    "bad_image": _("The picture cannot be used as it is."),
    "nothing_changed": _("There is nothing to change: repaint a part, or choose an edit."),
    "bad_setting": _("A setting is unknown or out of range."),
    "exists": _("An edit with this name already exists: choose another name."),
    "bad_edit": _("This file is damaged or is not an EditGAN edit."),
    "not_writable": _("The edit library could not be changed."),
    "no_device": _("There is no graphics card that can be used."),
    "out_of_memory": _("There is not enough memory: close other programs."),
    "not_greeted": _("The backend no longer knows this program: try again."),
    "download": _("The model could not be fetched."),
    "bad_checkpoint": _("The file is no checkpoint that EditGAN can read."),
    "stuck": _("A step of the work did not end and was given up: try a smaller change."),
    "internal": _("Something went wrong inside EditGAN."),
}
# kinds of requests that take long enough to be seen at work
JOBS = {
    "Detect": _("looking for people"),
    "Recognise": _("looking for people"),
    "Segment": _("getting to know a photo"),
    "PreviewStack": _("applying edits"),
    "PreviewEdits": _("applying edits"),
    "Apply": _("applying edits"),
    "Repaint": _("repainting"),
    "LiveRepaint": _("repainting"),
    "Borrow": _("borrowing parts"),
    "Learn": _("learning an edit"),
    "SaveEdit": _("saving an edit"),
    "LabelPhoto": _("saving a label"),
    "Download": _("downloading a model"),
    "DrawSample": _("drawing a sample"),
    "TrainParts": _("training a model"),
    "TrainEncoder": _("training a model"),
}
_FETCHED = re.compile(r"Fetched (\d+)(?: of (\d+))? MB")
_STEP = re.compile(r"Step (\d+) of (\d+)")


def backend_text(text: str) -> str:
    """A progress text or a verdict, translated where it is known."""
    if found := _STEP.fullmatch(text):
        return _("Step {step} of {steps}").format(step=found[1], steps=found[2])
    if found := _FETCHED.fullmatch(text):
        if found[2]:
            return _("Fetched {mb} of {all} MB").format(mb=found[1], all=found[2])
        return _("Fetched {mb} MB").format(mb=found[1])
    return FIXED.get(text, text)


def backend_job(kind: str) -> str:
    """What the backend is doing, by the kind of the request."""
    return JOBS.get(kind, kind)


def in_users_language(edit: EditInfo) -> EditInfo:
    """A preset with its title and description translated; the user's own edits as they are."""
    if edit.source != "preset":
        return edit
    return replace(edit, title=_(edit.title), description=_(edit.description))


def bundle_in_users_language(bundle: BundleInfo) -> BundleInfo:
    """A built-in model with its title, terms and origin translated; the user's own as it is."""
    terms = _translated(bundle.license)
    if terms == bundle.license:  # its maker's own words
        return bundle
    title, source = _translated(bundle.title), _translated(bundle.source)
    return replace(bundle, title=title, license=terms, source=source)


def download_in_users_language(model: DownloadableModel) -> DownloadableModel:
    """A public model with its title and terms translated; one of the user's own table as it is."""
    terms = _translated(model.license)
    if terms == model.license:
        return model
    return replace(model, title=_translated(model.title), license=terms)


def _translated(text: str) -> str:
    return _(text) if text else ""  # gettext answers nothing with the catalogue's own header


def backend_error(code: str, message: str) -> str:
    """An error's sentence; behind one that is translated, where the user does not read English."""
    if IN_ENGLISH or code not in ERRORS:
        return message
    return f"{ERRORS[code]}\n{message}"
