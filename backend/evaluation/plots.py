"""The plots of Figs. 10 and 11: what a stronger smile costs, and what refinement gives back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_MARKED = (0.0, 1.0, 2.0)  # scales written beside their points


def plot_sweep(smile: Mapping[str, Any], path: Path) -> None:
    """Fig. 11: attribute score against identity, a curve for each way of editing; single points
    for the table's rows that have no curve. Writes a PNG."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes, curves = figure.add_subplot(), smile["sweep"]["curves"]
    _draw_curves(axes, curves, "identity", "attribute_score")
    for row in smile["generator"]:
        if row["method"] not in curves:
            axes.plot(
                row["identity"], row["attribute_score"], "x", ms=8, mew=2, label=row["method"]
            )
    axes.set_xlabel(f"identity: cosine similarity to the photo\n{smile['identity_network']}")
    axes.set_ylabel("attribute score: mean probability of a smile")
    axes.set_title(f"Smile on {smile['sweep']['photos']} neutral faces, generator's output")
    _finish(figure, axes, path)


def plot_quality(smile: Mapping[str, Any], path: Path) -> None:
    """Fig. 10, right: distance from photos as the scale grows, with and without refinement. Writes
    a PNG."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes, swept = figure.add_subplot(), smile["sweep"]
    _draw_curves(axes, swept["curves"], "scale", "frechet")
    axes.set_xlabel("scale of the editing vector")
    axes.set_ylabel(swept["frechet"])
    axes.set_title(f"Smile on {swept['photos']} neutral faces: distance from photos")
    _finish(figure, axes, path)


def _draw_curves(axes: Axes, curves: Mapping[str, Any], x: str, y: str) -> None:
    for label, points in curves.items():
        axes.plot([p[x] for p in points], [p[y] for p in points], marker="o", ms=4, label=label)
        for point in points:
            if point["scale"] in _MARKED and x != "scale":
                place = (point[x], point[y])
                axes.annotate(f"{point['scale']:g}", place, (4, 4), textcoords="offset points")


def _finish(figure: Figure, axes: Axes, path: Path) -> None:
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
