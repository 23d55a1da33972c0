"""Several subjects embedded in one descent: each with losses and a gradient of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.editing import inversion, opening
from backend.editing.descent import OptimisationResult
from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.opening import AlignedSubject


@pytest.fixture
def subjects(editor: Editor, photo: OpenPhoto) -> list[AlignedSubject]:
    """The portrait; half beyond the photo's border; mirrored, its parts unknown."""
    mirrored = np.ascontiguousarray(photo.pixels[:, ::-1])
    to_the_border = photo.pixels.shape[1] - photo.frame.quad[:, 0].mean()
    beyond = photo.frame.shifted(to_the_border, 0.0)
    whole = opening.align_subject(editor.engine, photo.pixels, photo.frame)
    cut = opening.align_subject(editor.engine, photo.pixels, beyond)
    other = opening.align_subject(editor.engine, mirrored, photo.frame)
    return [whole, cut, dataclasses.replace(other, seen=None)]


def terms_and_gradient(
    editor: Editor, subjects: Sequence[AlignedSubject], monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Tensor], Tensor]:
    """What the first step of an embedding sees: terms (B,), gradients (B, n_ws, w_dim)."""
    seen: list[tuple[dict[str, Tensor], Tensor]] = []

    def first_step(start: Tensor, evaluate: Any, **settings: object) -> OptimisationResult:
        leaf = start.detach().clone().requires_grad_()
        terms, _ = evaluate(leaf)
        (gradient,) = torch.autograd.grad(torch.stack([*terms.values()]).sum(), leaf)
        seen.append(({name: term.detach() for name, term in terms.items()}, gradient))
        return OptimisationResult(start, (), {})

    monkeypatch.setattr(inversion, "minimise", first_step)
    editor.open_together(subjects)
    return seen[0]


def test_each_has_the_losses_and_the_gradient_that_it_has_alone(
    editor: Editor, subjects: list[AlignedSubject], monkeypatch: pytest.MonkeyPatch
) -> None:
    terms, gradients = terms_and_gradient(editor, subjects, monkeypatch)
    assert set(terms) == {"perceptual", "mse", "encoder", "identity", "parts"}
    for row, subject in enumerate(subjects):
        own, gradient = terms_and_gradient(editor, [subject], monkeypatch)
        for name, term in own.items():  # nothing is asked of parts that are not known
            assert terms[name][row] == pytest.approx(term.item(), rel=1e-4, abs=1e-6)
        # A pixel at a kink of ReLU or maximum may fall to its other side by rounding.
        torch.testing.assert_close(gradients[row], gradient[0], rtol=0.02, atol=0.002)


def test_each_is_opened_as_what_it_is(
    editor: Editor, subjects: list[AlignedSubject], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = dataclasses.replace(inversion.LEVELS["fast"], steps=2)
    monkeypatch.setitem(inversion.LEVELS, "fast", short)
    whole, cut = editor.open_together(subjects[:2])
    assert whole.frame is subjects[0].frame and cut.frame is subjects[1].frame
    assert whole.valid.mean() > cut.valid.mean()
    assert whole.report.mse < 0.1 and whole.report.perceptual < cut.report.perceptual
    assert whole.report.seconds == cut.report.seconds > 0 and not whole.report.from_cache


def test_an_edit_draws_no_part_layers(editor: Editor, photo: OpenPhoto) -> None:
    opened = editor.open(photo.pixels, photo.frame, w_plus=photo.w_plus)
    editor.apply(opened, [ScaledEdit(np.full_like(photo.w_plus, 0.01), ("nose",), 1.0)])
    assert not opened.drawn
    assert opened.parts is opened.drawn
    assert [part.name for part in opened.parts] == [part.name for part in editor.bundle.parts]
    told = opened.with_report(dataclasses.replace(opened.report, from_cache=True))
    assert told.parts is opened.parts  # not drawn again
