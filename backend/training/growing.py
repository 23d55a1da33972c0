"""Growing a trained generator and encoder to a larger resolution (Karras et al. 2018, section 2).

Nothing that was learned is lost: at the first step the grown generator shows the small one's
picture, upsampled, and the grown encoder gives the small one's codes. The new layers then learn
what the small networks could not hold.
"""

from __future__ import annotations

import torch
from torch import nn

from backend.models.codes import CodeDistribution
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.segmentation import SegmentationBranch
from protocol.errors import UserError


def check_growth(small: GeneratorConfig, large: GeneratorConfig) -> None:
    """Raises UserError unless `large` is `small` with more resolutions on top."""
    same = (small.z_dim, small.w_dim, small.mapping_layers) == (
        large.z_dim,
        large.w_dim,
        large.mapping_layers,
    )
    shared = small.block_resolutions
    if (
        not same
        or large.resolution < small.resolution
        or [small.channels(r) for r in shared] != [large.channels(r) for r in shared]
    ):
        raise UserError(
            f"A generator of {small} cannot be grown to {large}: only the resolution may differ, "
            "and only upwards."
        )


@torch.no_grad()
def grow_generator(small: Generator, large: Generator) -> None:
    """Copy `small` into `large`; the new blocks add nothing to the picture yet."""
    check_growth(small.config, large.config)
    large.load_state_dict(small.state_dict(), strict=False)
    for block in large.synthesis[len(small.blocks) :]:
        nn.init.zeros_(block.to_rgb.weight)


@torch.no_grad()
def grow_encoder(small: Encoder, large: Encoder) -> None:
    """Copy `small` into `large`, which must read pictures at the same resolution.

    A new w begins as the last one that the small encoder gave: the w that its finest layer has.
    Raises UserError.
    """
    check_growth(small.config, large.config)
    if small.reads != large.reads:
        raise UserError("The encoder reads larger pictures now: train it anew.")
    state = small.state_dict()
    more = large.config.n_ws - small.config.n_ws
    for name in ("heads.weight", "heads.bias"):
        rows = state[name].unflatten(0, (small.config.n_ws, small.config.w_dim))
        state[name] = torch.cat([rows, rows[-1:].expand(more, *rows.shape[1:])]).flatten(0, 1)
    large.load_state_dict(state)


def grow_codes(small: CodeDistribution, n_ws: int) -> CodeDistribution:
    """The same distribution for a grown generator of `n_ws` layers: new ones repeat the last."""
    more = n_ws - small.mean.shape[0]
    mean = torch.cat([small.mean, small.mean[-1:].expand(more, -1)])
    basis = torch.cat([small.basis, small.basis[:, -1:].expand(-1, more, -1)], dim=1)
    return CodeDistribution(mean, basis)


@torch.no_grad()
def grow_branch(small: SegmentationBranch, large: SegmentationBranch) -> None:
    """Copy `small` into `large`, whose new features count for nothing yet: the parts stay where
    they were."""
    state = small.state_dict()
    for name, weight in large.state_dict().items():
        state.setdefault(name, torch.zeros_like(weight))
    large.load_state_dict(state)
