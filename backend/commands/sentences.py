"""What several commands say about their results."""

from __future__ import annotations

from typing import Any

_WHOLE = 0.95  # share of the subject that counts as all of it


def reconstruction_line(report: dict[str, Any]) -> str:
    """How well the model represents the photo, in one line."""
    found = report["reconstruction"]
    values = [
        f"perceptual distance {found['perceptual']:.3f} ({found['perceptual_network']})",
        f"MSE {found['mse']:.4f}",
    ]
    if found["identity"] is not None:
        values.append(f"identity {found['identity']:.2f} ({found['identity_network']})")
    text = f"Reconstruction: {', '.join(values)}. {found['verdict']}"
    if report["level"] in ("fast", "balanced") and not found["verdict"].endswith("well."):
        text += " A closer match: --level faithful."
    return " ".join([text, *photo_sentences(found)])


def photo_sentences(found: dict[str, Any]) -> list[str]:
    """What a photographer should know of this photo's parts, as far as a parser saw them."""
    sentences = []
    parts = found.get("part_verdicts") or {}
    if weak := [f"{name}: {word}" for name, word in parts.items() if word != "well"]:
        sentences.append(f"Its parts are represented well, but for {', '.join(weak)}.")
    if hidden := found.get("hidden"):
        sentences.append(f"Hidden in this photo, so that nothing is drawn there: {_list(hidden)}.")
    elif found.get("covered"):
        sentences.append("Something lies before the face; edits leave it alone.")
    if found.get("profile"):
        sentences.append("The face is seen from the side; edits of such faces are often wrong.")
    return sentences


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def region_line(report: dict[str, Any]) -> str:
    """How much of the model's picture an edit may change, against how much was asked for."""
    region, changed = report["result"]["area_region"], report["result"]["area_changed"]
    ratio = f", {region / changed:.1f} times as many" if changed else ""
    text = f"Region: {region} of the model's pixels for {changed} changed labels{ratio}."
    if report["result"]["share_of_subject"] > _WHOLE:
        text += " That is all of the subject: nothing holds the rest of it in place."
    return text


def early_line(report: dict[str, Any], steps: int) -> list[str]:
    """That an optimisation was ended by the user, if it was."""
    if not report["result"]["ended_early"]:
        return []
    return [f"Ended early, after {steps} steps, with the best result so far."]
