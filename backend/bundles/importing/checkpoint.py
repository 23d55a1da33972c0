"""What every format is turned into: a generator's shape and weights under our own names."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.models.config import LARGEST_LAYER, GeneratorConfig
from backend.models.generator import Generator
from protocol.errors import UserError

State = dict[str, Tensor]

_LARGEST_RESOLUTION = 2048
_MEAN_SAMPLES = 10_000


class BadCheckpoint(UserError):
    """The file is not a checkpoint that can be imported; the message says what it is instead."""

    code = "bad_checkpoint"


@dataclass(frozen=True)
class FoundEncoder:
    """An encoder that was trained with the generator: its kind (see models.encoders) and its
    tensors."""

    kind: str
    state: State


@dataclass(frozen=True)
class Checkpoint:
    """A generator found in a file, and perhaps its encoder.

    state: float32 tensors that fit `Generator(config)`. origin: the format, in words. notes: what
    had to be assumed, a sentence each.
    """

    config: GeneratorConfig
    state: State
    origin: str
    notes: tuple[str, ...] = ()
    encoder: FoundEncoder | None = None


def make_checkpoint(
    state: Mapping[str, Tensor],
    origin: str,
    *,
    conv_clamp: float | None = None,
    notes: Sequence[str] = (),
) -> Checkpoint:
    """Check tensors that carry our names, and read the generator's shape off theirs.

    Raises BadCheckpoint where something is missing, left over, of another shape or not finite.
    """
    _check_pictures(state)
    config, notes = _config_of(state, conv_clamp), list(notes)
    if not any(name.endswith("noise_const") for name in state):
        state = {**state, **_constant_noise(config)}
        notes.append("It holds no constant noise: some was drawn.")
    mean = "w_avg" in state
    check_shapes(state if mean else {**state, "w_avg": torch.zeros(config.w_dim)}, config)
    floats = {name: value.detach().float().contiguous() for name, value in state.items()}
    if not mean:
        floats["w_avg"] = torch.zeros(config.w_dim)
        _check_finite(floats)
        floats["w_avg"] = _mean_of_w(floats, config)
        notes.append(f"It holds no mean of w: measured on {_MEAN_SAMPLES:,} samples.")
    _check_finite(floats)
    return Checkpoint(config, floats, origin, tuple(notes))


def _config_of(state: Mapping[str, Tensor], conv_clamp: float | None) -> GeneratorConfig:
    """The shape that the tensors' own shapes tell."""
    blocks = _count(state, r"blocks\.(\d+)\.conv1\.weight")
    layers = _count(state, r"mapping\.layers\.(\d+)\.weight")
    if not blocks or not layers:
        raise BadCheckpoint("It holds no StyleGAN2 generator: mapping or synthesis is missing.")
    _, height, width = _shape(state, "blocks.0.const")
    if min(height, width) < 2 or max(height, width) > 16:
        raise BadCheckpoint(f"Its constant has {height} x {width} values instead of 4 x 4.")
    resolution = max(height, width) << (blocks - 1)
    if resolution > _LARGEST_RESOLUTION or blocks < 2:
        raise BadCheckpoint(f"Its generator has {blocks} resolutions; 2 to 10 can be imported.")
    w_dim, z_dim = _shape(state, "mapping.layers.0.weight")
    table = tuple(_shape(state, f"blocks.{i}.conv1.weight")[0] for i in range(blocks))
    if max(*table, w_dim, z_dim) > LARGEST_LAYER:
        raise BadCheckpoint(f"Its layers have more than {LARGEST_LAYER} channels.")
    # the published rule for channels where they follow it, else all of them
    ruled = GeneratorConfig(
        resolution=resolution,
        channel_base=table[-1] * resolution,
        channel_max=max(table),
        z_dim=z_dim,
        w_dim=w_dim,
        mapping_layers=layers,
        conv_clamp=conv_clamp,
        const_size=(height, width),
    )
    follows = tuple(ruled.channels(r) for r in ruled.block_resolutions) == table
    return ruled if follows else dataclasses.replace(ruled, channel_table=table)


def _check_pictures(state: Mapping[str, Tensor]) -> None:
    """Refuse a generator whose pictures are not red, green and blue."""
    weight = state.get("blocks.0.to_rgb.weight")
    if weight is None or weight.ndim != 4 or weight.shape[0] == 3:
        return
    kinds = {1: "grey pictures", 2: "grey pictures with transparency"}
    kinds |= {4: "pictures with transparency (RGBA)", 12: "wavelets (it is a SWAGAN)"}
    what = kinds.get(weight.shape[0], f"pictures of {weight.shape[0]} channels")
    raise BadCheckpoint(f"It draws {what}; only generators of RGB pictures are read.")


def _constant_noise(config: GeneratorConfig) -> State:
    """Noise for a generator that was trained with fresh noise alone."""
    with torch.device("meta"):
        wanted = Generator(config).state_dict()
    seeded = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(value.shape, generator=seeded)
        for name, value in wanted.items()
        if name.endswith("noise_const")
    }


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many tensors' names match, which must be numbered 0, 1, 2 ..."""
    found = [int(m[1]) for name in state if (m := re.fullmatch(pattern, name))]
    return len(found) if sorted(found) == list(range(len(found))) else 0


def _shape(state: Mapping[str, Tensor], name: str) -> torch.Size:
    dimensions = {"blocks.0.const": 3, "mapping.layers.0.weight": 2}.get(name, 4)
    if name not in state or state[name].ndim != dimensions:
        raise BadCheckpoint(f"Its tensor {name} is missing or is not a StyleGAN2 generator's.")
    return state[name].shape


def check_fit(state: Mapping[str, Tensor], config: GeneratorConfig) -> None:
    """Raises BadCheckpoint unless the tensors are what `Generator(config)` has, and finite."""
    check_shapes(state, config)
    _check_finite(state)


def check_shapes(state: Mapping[str, Tensor], config: GeneratorConfig) -> None:
    """Names, shapes and that each tensor has its own data; no values are read, nothing is made."""
    with torch.device("meta"):  # shapes only: no memory is taken for what may not fit
        wanted = {name: value.shape for name, value in Generator(config).state_dict().items()}
    for name, shape in wanted.items():
        if name not in state:
            raise BadCheckpoint(f"Its generator has no tensor {name}.")
        value = state[name]
        if value.shape != shape:
            found, expected = list(value.shape), list(shape)
            raise BadCheckpoint(f"Its tensor {name} is {found} instead of {expected}.")
        # a stride of 0 makes gigabytes of one number
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise BadCheckpoint(f"Its tensor {name} is larger than its data.")
    if extra := sorted(set(state) - set(wanted)):
        raise BadCheckpoint(
            f"Its generator has tensors that StyleGAN2's has not ({', '.join(extra[:3])})."
        )


def _check_finite(state: Mapping[str, Tensor]) -> None:
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise BadCheckpoint(f"Its tensor {name} holds numbers that are not finite.")


@torch.no_grad()
def _mean_of_w(state: State, config: GeneratorConfig) -> Tensor:
    """E[f(z)], as StyleGAN2's training keeps it; (w_dim,)."""
    generator = Generator(config)
    generator.load_state_dict(state)
    seeded = torch.Generator().manual_seed(0)
    return generator.mapping(torch.randn(_MEAN_SAMPLES, config.z_dim, generator=seeded)).mean(dim=0)


def block_of(resolution: int) -> int:
    """The number of the block that works at a resolution: 0 for 4x4, 1 for 8x8 ...

    Raises BadCheckpoint for anything but a power of two from 4 on.
    """
    number = int(math.log2(resolution)) - 2 if resolution >= 4 else -1
    if number < 0 or 4 << number != resolution:
        raise BadCheckpoint(f"It has a layer of {resolution} pixels, which is not a power of two.")
    return number


def without_ones(value: Tensor, dimensions: int) -> Tensor:
    """The tensor without leading, then trailing, dimensions of one: (1, 3, 1, 1) -> (3,)."""
    while value.ndim > dimensions and value.shape[0] == 1:
        value = value[0]
    while value.ndim > dimensions and value.shape[-1] == 1:
        value = value[..., 0]
    return value


def check_filter(name: str, kernel: Tensor) -> None:
    """Raises BadCheckpoint unless a resampling filter is [1, 3, 3, 1], at any scale."""
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    usual = kernel.shape == (4, 4) and kernel.is_floating_point() and kernel.sum() > 0
    wanted = torch.outer(row, row)
    if not usual or not torch.allclose(kernel.float() / kernel.float().sum(), wanted, atol=1e-6):
        raise BadCheckpoint(f"Its filter {name} is not StyleGAN2's [1, 3, 3, 1].")
