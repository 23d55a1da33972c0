"""Erasing is a claim of its own: that a part is no longer where it was."""

import numpy as np

from backend.editing.editor import Editor, OpenPhoto
from backend.editing.options import Optimisation
from backend.photos.label_edit import PaintedLayer


def upper_half(alpha: np.ndarray) -> np.ndarray:
    """A part's alpha without the lower half of its area."""
    rows = np.cumsum((alpha > 127).sum(axis=1))
    kept = alpha.copy()
    kept[int(np.searchsorted(rows, rows[-1] / 2)) :] = 0
    return kept


def test_erasing_half_a_part_shrinks_it(editor: Editor, photo: OpenPhoto) -> None:
    sizes = np.bincount(photo.labels.ravel(), minlength=len(editor.bundle.parts))
    own = [p for p in editor.bundle.parts if p.name not in editor.bundle.large]
    part = max(own, key=lambda p: sizes[p.index])
    painted = [
        PaintedLayer(m.name, m.x, m.y, upper_half(m.alpha) if m.name == part.name else m.alpha)
        for m in photo.parts
    ]
    result = editor.repaint(photo, painted, Optimisation(70))
    assert result.parts == (part.name,)
    assert result.report.agreement_model > 0.6
    assert (result.labels == part.index).sum() <= 0.6 * sizes[part.index]
