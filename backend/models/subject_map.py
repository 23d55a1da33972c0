"""Where subjects are in a picture: a small head on SqueezeNet's features (Zhou et al. 2019,
"Objects as points": a heat map of centres, and at each the rest of the box)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from backend.models.perceptual import SqueezeNetFeatures

STRIDE = 16  # pixels from one cell to the next
USUAL = 80.0  # side of a subject's frame, in pixels, that the head is best at
_FIRST = 15.5  # where SqueezeNet's first cell looks: it pads nothing
_BORDER = 16  # pixels added on each side, so that cells reach beyond a picture's edges
_LAYERS = 2, 6  # of the features: at an eighth and at a sixteenth of the picture's side


@dataclass(frozen=True, eq=False)
class FoundSubjects:
    """Subjects in a picture, the surest first.

    score [N], 0..1; centre (N, 2), x and y in pixels; half (N, 2): from the centre to the middle of
    the frame's right edge.
    """

    score: Tensor
    centre: Tensor
    half: Tensor


class SubjectHead(nn.Module):
    """768 features a cell -> heat, centre (x, y), logarithm of the size, angle (cos, sin)."""

    inputs = sum(SqueezeNetFeatures.channels[i] for i in _LAYERS)

    def __init__(self, width: int = 64, weights: Path | None = None) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(self.inputs, width, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, 6, 1),
        )
        if weights is not None:
            self.load_state_dict({k: v.float() for k, v in load_file(weights).items()})
            self.eval().requires_grad_(False)

    def forward(self, cells: Tensor) -> Tensor:  # (B, 768, h, w) -> (B, 6, h, w)
        return self.layers(cells)


@torch.no_grad()
def cells_of(features: SqueezeNetFeatures, pictures: Tensor) -> Tensor:
    """What the head reads of pictures (B, 3, H, W) in [-1, 1], sides at least 128:
    (B, 768, h, w)."""
    padded = F.pad(pictures, (_BORDER,) * 4, mode="reflect")
    found = features.features(padded)
    coarse, fine = found[_LAYERS[1]], found[_LAYERS[0]]
    fine = F.avg_pool2d(fine, 3, 2, ceil_mode=True)[..., : coarse.shape[-2], : coarse.shape[-1]]
    cells = torch.cat([fine, coarse], dim=1)
    return cells * cells.shape[1] ** 0.5  # of unit length each before: about one per channel now


def cell_centres(height: int, width: int) -> Tensor:
    """Where cells look, x and y in pixels of the picture: (height, width, 2)."""
    x, y = (torch.arange(n) * STRIDE + _FIRST - _BORDER for n in (width, height))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def encode(centres: Tensor, centre: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """What the head should say of one subject at all cells: heat (h, w), 1 at its centre, and the
    other five (5, h, w). centre, half: (2,), see `Found`."""
    side = 2 * half.norm()
    offset = (centre - centres) / USUAL  # (h, w, 2)
    heat = torch.exp(-((centres - centre).square().sum(-1)) / (2 * (0.12 * side) ** 2))
    size = (side / USUAL).log().expand(heat.shape)
    cos, sin = (half / half.norm()).tolist()
    angle = torch.tensor([cos, sin])[:, None, None].expand(2, *heat.shape)
    return heat, torch.cat([offset.permute(2, 0, 1), size[None], angle])


def decode(said: Tensor, threshold: float) -> FoundSubjects:
    """Subjects from what the head says of one picture, (6, h, w): cells that are surer than their
    neighbours."""
    heat = said[0].sigmoid()
    peaks = F.max_pool2d(heat[None, None], 3, 1, 1)[0, 0]
    rows, columns = torch.nonzero((heat == peaks) & (heat >= threshold), as_tuple=True)
    order = heat[rows, columns].argsort(descending=True)
    rows, columns = rows[order], columns[order]
    values = said[:, rows, columns]  # (6, N)
    centre = cell_centres(*heat.shape)[rows, columns] + USUAL * values[1:3].t()
    half = F.normalize(values[4:6], dim=0).t() * (USUAL / 2 * values[3:4].exp().t())
    return FoundSubjects(heat[rows, columns], centre, half)
