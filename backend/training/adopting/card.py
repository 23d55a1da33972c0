"""The card of an adopted model: where it is from, what was learned how, and how well it works."""

from __future__ import annotations

from collections.abc import Mapping

from backend.bundles.bundle import Bundle
from backend.training.adopting.report import AdoptionReport

FILE = "MODEL_CARD.md"


def write_card(bundle: Bundle, report: AdoptionReport) -> None:
    """report: of the steps that come before."""
    lines = [f"# {bundle.title}", "", bundle.source, "", f"Licence: {bundle.license}", ""]
    lines += [f"{bundle.resolution} pixels, subjects: {bundle.domain}.", ""]
    if encoder := report.encoder:
        before, after = encoder.distance_before, encoder.distance
        lines += [
            f"Encoder: {encoder.images:,.0f} samples of the generator's own. Perceptual "
            "distance of held-out samples from their reconstructions: "
            f"{before:.3f} before, {after:.3f} after.",
            "",
        ]
    if parts := report.parts:
        lines += [
            f"Parts: taught by the model '{parts.teacher}' on {parts.samples} samples, whose "
            "networks also find subjects and their parts in photos, where it has any. "
            "Intersection over union with its labels on samples held back:",
            "",
            *iou_table(parts.iou, parts.mean_iou),
            "",
        ]
    if checked := report.checked:
        lines += [
            f"Beside labels made by hand, on {checked.pictures} photographs:",
            "",
            *iou_table(checked.iou, checked.mean_iou),
            "",
        ]
    if presets := report.presets:
        lines += [f"Edits: {', '.join(presets.learnt) or 'none'}.", ""]
    lines += ["![64 samples](samples.jpg)", ""]
    (bundle.folder / FILE).write_text("\n".join(lines), encoding="utf-8")


def iou_table(iou: Mapping[str, float], mean: float) -> list[str]:
    """A table in Markdown of intersection over union by part."""
    rows = [f"| {name} | {value:.2f} |" for name, value in (*iou.items(), ("mean", mean))]
    return ["| part | IoU |", "|---|---|", *rows]
