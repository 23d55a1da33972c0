"""The plot of Fig. 11: how much identity a stronger smile costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def plot_sweep(smile: Mapping[str, Any], path: Path) -> None:
    """Curves of the sweep; single points for the table's rows that have no curve. Writes a PNG."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    curves = smile["sweep"]["curves"]
    for label, points in curves.items():
        x, y = ([p[key] for p in points] for key in ("identity", "attribute_score"))
        axes.plot(x, y, marker="o", markersize=4, label=f"{label}, scales 0 to 2")
        for point in points:
            if point["scale"] in (0.0, 1.0, 2.0):
                place = (point["identity"], point["attribute_score"])
                axes.annotate(f"{point['scale']:g}", place, (4, 4), textcoords="offset points")
    for row in smile["generator"]:
        if row["method"] not in curves:
            axes.plot(
                row["identity"], row["attribute_score"], "x", ms=8, mew=2, label=row["method"]
            )
    axes.set_xlabel(f"identity: cosine similarity to the photo\n{smile['identity_network']}")
    axes.set_ylabel("attribute score: mean probability of a smile")
    axes.set_title(f"Smile on {smile['photos']} neutral faces, generator's output")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
