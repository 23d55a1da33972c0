import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from backend.editing.editor import Editor, OpenPhoto
from backend.editing.inversion import (
    LEVELS,
    InversionLevel,
    Reconstruction,
    encode,
    invert,
    measure,
    schedule,
)
from backend.editing.progress import Progress
from backend.errors import JobCancelled
from backend.models.generator import sample_z
from backend.photos.align import extract


def sampled(editor: Editor, seed: int) -> torch.Tensor:
    return editor.sample(sample_z(editor.bundle.config, [seed]))[0].clamp(-1, 1)


def distance(editor: Editor, image: torch.Tensor, w_plus: torch.Tensor) -> float:
    mask = torch.ones_like(image[:, :1])
    with torch.no_grad():
        rebuilt, _ = editor.networks.generator(w_plus)
    return measure(editor.networks, image, rebuilt, mask).perceptual


def test_optimisation_improves_on_the_encoder(editor: Editor) -> None:
    image = sampled(editor, 1)
    mask = torch.ones_like(image[:, :1])
    found = invert(editor.networks, image, mask, LEVELS["fast"])
    start = encode(editor.networks, image)
    assert distance(editor, image, found) < 0.9 * distance(editor, image, start)


def test_pixels_outside_the_photo_do_not_count(editor: Editor) -> None:
    image = sampled(editor, 1)
    mask = torch.ones_like(image[:, :1])
    mask[..., :20] = 0
    start = encode(editor.networks, image)  # the encoder sees the padding; the losses must not
    spoilt = image.clone()
    spoilt[..., :20] = 1.0
    with torch.no_grad():
        rebuilt, _ = editor.networks.generator(start)
    clean = measure(editor.networks, image, rebuilt, mask)
    dirty = measure(editor.networks, spoilt, rebuilt, mask)
    assert clean.mse == dirty.mse and clean.perceptual == dirty.perceptual


def test_progress_is_told_and_can_cancel(editor: Editor) -> None:
    """For the first time when the image is encoded, then after each step."""
    image = sampled(editor, 2)
    told: list[Progress] = []

    def report(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        invert(editor.networks, image, torch.ones_like(image[:, :1]), InversionLevel(10), report)
    assert [round(p.fraction, 1) for p in told] == [0.0, 0.1, 0.2]
    preview = told[-1].preview
    side = editor.bundle.resolution
    assert preview is not None and preview().dtype == np.uint8
    assert preview().shape == (side, side, 3)


def test_the_schedule_warms_up_and_ramps_down() -> None:
    factors = [schedule(i, InversionLevel(100)) for i in range(100)]
    assert factors[0] == pytest.approx(0.2)
    assert factors[5:74] == [1.0] * 69
    assert 0 < factors[-1] < 0.02
    assert all(a > b for a, b in pairwise(factors[76:]))


def test_the_verdict_is_plain() -> None:
    well = Reconstruction(0.05, "n", 0.01, 0.9, "id")
    assert "well" in well.verdict
    assert "poorly" in dataclasses.replace(well, identity=0.1).verdict
    assert "roughly" in dataclasses.replace(well, identity=0.5).verdict
    assert "poorly" in dataclasses.replace(well, perceptual=0.25).verdict  # a pencil drawing, say
    for distance, quality in ((0.05, "well"), (0.15, "roughly"), (0.4, "poorly")):
        unknown = dataclasses.replace(well, identity=None, perceptual=distance)
        assert unknown.quality == quality and quality in unknown.verdict


def test_the_same_person_can_be_asked_for(editor: Editor, photo: OpenPhoto) -> None:
    crop, valid = extract(photo.pixels, photo.frame, editor.bundle.resolution)
    image = torch.from_numpy(crop).permute(2, 0, 1)[None]
    mask = torch.from_numpy(valid)[None, None].float()
    alike = []
    for weight in (0.0, 2.0):
        w_plus = invert(editor.networks, image, mask, InversionLevel(10, identity=weight))
        with torch.no_grad():
            rebuilt, _ = editor.networks.generator(w_plus)
        alike.append(measure(editor.networks, image, rebuilt, mask).identity)
    assert alike[1] > alike[0] + 0.05
