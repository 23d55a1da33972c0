"""What a finished model teaches an adopted one: where the parts are, on pictures that vary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from backend.bundles import find_bundle
from backend.editing.editor import Editor
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.photos.folder import read_rgb
from backend.training.adopting.teacher import Drawn, Teacher
from backend.training.dataset import AlignedDataset

PORTRAIT = Path(__file__).resolve().parents[2] / "assets/portrait.png"


def test_labels_lie_where_the_parts_are() -> None:
    """As the part layers of the same picture do, whose face is off its middle and turned."""
    editor = Editor(find_bundle("faces"))
    photo = read_rgb(PORTRAIT)
    side = min(photo.shape[:2])
    pixels = np.ascontiguousarray(photo[:side, :side])
    labels, sure = Teacher(editor).label(pixels, 256)
    opened = editor.open(pixels, editor.find_subjects(pixels)[0].frame, level="fast")
    for name in ("nose", "left eye", "right eye", "lower lip", "hair"):
        mask = next(part for part in opened.parts if part.name == name)
        y, x = (mask.alpha > 127).nonzero()
        wanted = np.array([mask.y + y.mean(), mask.x + x.mean()]) * 256 / side
        found = np.mean((labels == mask.index).nonzero(), axis=1) + 0.5
        assert np.abs(found - wanted).max() < 3, name
    assert not sure[:, -1].any() and sure.any()  # beyond the frame nothing is known


def test_every_other_picture_is_that_of_a_photo_where_there_are_any(aligned: Path) -> None:
    config = GeneratorConfig(32, channel_base=512, channel_max=16, z_dim=16, w_dim=64)
    generator, encoder = Generator(config).eval(), Encoder(config).eval()
    photos = AlignedDataset(aligned)
    alone, both = Drawn(generator), Drawn(generator, encoder, photos)
    assert torch.equal(both.code(0), alone.code(0))  # by its number: labelled once, for good
    for seed, photo in ((1, 0), (47, 23), (49, 0)):
        with torch.no_grad():
            rebuilt = encoder(photos.batch([photo], 32), generator.w_avg)
        assert torch.equal(both.code(seed), rebuilt)
