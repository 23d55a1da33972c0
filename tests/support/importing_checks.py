"""What an imported generator is compared with, and why a file is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from stylegan_reference import Generator as Original

from backend.bundles.importing import BadCheckpoint, Checkpoint
from backend.bundles.importing.read import read_here
from backend.models.generator import Generator

TOLERANCE = 1e-4


def original(**shape: object) -> Original:
    torch.manual_seed(3)
    return Original(**shape).eval().requires_grad_(False)


def imported(found: Checkpoint) -> Generator:
    generator = Generator(found.config)
    generator.load_state_dict(found.state)
    return generator.eval().requires_grad_(False)


def check_same_pictures(found: Checkpoint, wanted: Original, psi: float = 1.0) -> None:
    """Pictures that are not square are compared without the bars around them."""
    z = torch.randn(3, wanted.z_dim, generator=torch.Generator().manual_seed(1))
    generator = imported(found)
    picture, features = generator(generator.map(z, truncation=psi))
    expected = wanted(z, psi)
    assert expected.std() > 0.1
    rows, columns = ((picture.shape[-1] - side) // 2 for side in expected.shape[-2:])
    inside = F.pad(torch.zeros_like(expected), (columns, columns, rows, rows), value=1.0)
    assert (picture[inside == 0].view_as(expected) - expected).abs().max() < TOLERANCE
    assert (picture[inside == 1] == -1).all()
    assert [f.shape[-1] for f in features] == generator.config.feature_sides


def refusal(path: Path, *, chosen: int | None = None) -> str:
    with pytest.raises(BadCheckpoint) as caught:
        read_here(path, chosen)
    assert caught.value.message.endswith(".") and "\n" not in caught.value.message
    return caught.value.message
