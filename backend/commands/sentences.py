"""What several commands report, and say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.facts import ApplyReport, EditedAreas, PhotoReport, RepaintReport
from protocol.geometry import Rect

_WHOLE = 0.95  # share of the subject that counts as all of it


@dataclass(frozen=True, kw_only=True)
class AboutPhoto:
    """What every command reports about its photo; rect: the part of it that the model saw;
    assumed: the model finds no subjects and none was named, so that the photo counts as one."""

    bundle: str
    licence: str
    width: int
    height: int
    depth: int
    subject: int
    subjects: int
    rect: Rect
    assumed: bool
    level: str
    reconstruction: PhotoReport


def reconstruction_line(report: AboutPhoto) -> str:
    """How well the model represents the photo, in one line."""
    found = report.reconstruction
    values = [
        f"perceptual distance {_number(found.perceptual, 3)} ({found.perceptual_network})",
        f"MSE {_number(found.mse, 4)}",
    ]
    if found.identity is not None:
        values.append(f"identity {found.identity:.2f} ({found.identity_network})")
    text = f"Reconstruction: {', '.join(values)}. {found.verdict}"
    if report.level in ("fast", "balanced") and found.quality != "well":
        text += " A closer match: --level faithful."
    if report.assumed:
        text += " The subject was taken to fill the photo; --box X,Y,W,H says where it is."
    return " ".join([text, *photo_sentences(found)])


def photo_sentences(found: PhotoReport) -> list[str]:
    """What a photographer should know of this photo's parts, as far as a parser saw them."""
    sentences = []
    parts = found.part_verdicts or {}
    if weak := [f"{name}: {word}" for name, word in parts.items() if word != "well"]:
        sentences.append(f"Its parts are represented well, but for {', '.join(weak)}.")
    if found.hidden:
        names = _list(found.hidden)
        sentences.append(f"Hidden in this photo, so that nothing is drawn there: {names}.")
    elif found.covered:
        sentences.append("Something lies before the face; edits leave it alone.")
    if found.profile:
        sentences.append("The face is seen from the side; edits of such faces are often wrong.")
    return sentences


def _number(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def region_line(found: EditedAreas) -> str:
    """How much of the model's picture an edit may change, against how much was asked for."""
    region, changed = found.area_region, found.area_changed
    ratio = f", {region / changed:.1f} times as many" if changed else ""
    text = f"Region: {region} of the model's pixels for {changed} changed labels{ratio}."
    if found.share_of_subject is not None and found.share_of_subject > _WHOLE:
        text += " That is all of the subject: nothing holds the rest of it in place."
    return text


def early_line(found: RepaintReport | ApplyReport) -> list[str]:
    """That an optimisation was ended by the user, if it was."""
    if not found.ended_early:
        return []
    steps = found.steps if isinstance(found, RepaintReport) else found.refine
    return [f"Ended early, after {steps} steps, with the best result so far."]
