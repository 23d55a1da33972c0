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
    return text


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
