"""Our 13 layers of SqueezeNet against torchvision's."""

from __future__ import annotations

import subprocess
import sys

import torch

from backend.models.squeezenet import squeezenet_features


def test_equals_torchvision() -> None:
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    theirs = squeezenet1_1(weights=None).features.eval()
    ours = squeezenet_features().eval()
    ours.load_state_dict(theirs.state_dict())
    image = torch.randn(2, 3, 70, 65)
    for a, b in zip(ours, theirs, strict=True):
        assert type(a).__name__ == type(b).__name__
    with torch.no_grad():
        torch.testing.assert_close(ours(image), theirs(image))


def test_the_editor_is_imported_without_torchvision() -> None:
    code = "import sys, backend.editing.editor; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
