"""rosinality's stylegan2-pytorch, whose layout many projects use (e4e, pSp and EditGAN among
them)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from backend.bundles.importing.checkpoint import (
    Checkpoint,
    State,
    check_filter,
    make_checkpoint,
    without_ones,
)
from backend.bundles.importing.conditional import check_unconditional
from backend.bundles.importing.contents import Contents

MARK = "conv1.conv.modulation.weight"
_FIXED = {
    "input.input": "blocks.0.const",
    "conv1": "blocks.0.conv1",
    "to_rgb1": "blocks.0.to_rgb",
}
_LAYER = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
}


def read(found: Contents, chosen: int | None) -> Checkpoint:
    """The generator whose tensors `found` holds; raises BadCheckpoint."""
    check_unconditional(0, chosen)
    return make_checkpoint(_renamed(found.tensors), "StyleGAN2 checkpoint in rosinality's layout")


def _renamed(tensors: Mapping[str, Tensor]) -> State:
    state: State = {}
    for name, value in tensors.items():
        if name.endswith((".blur.kernel", ".upsample.kernel")):
            check_filter(name, value)
        elif found := re.fullmatch(r"noises\.noise_(\d+)", name):
            state[f"{conv(int(found[1]) - 1)}.noise_const"] = without_ones(value, 2)
        else:
            ours = _our_name(name)
            state[ours] = without_ones(value, _dimensions(ours, value))
    return state


def _our_name(name: str) -> str:
    if found := re.fullmatch(r"style\.(\d+)\.(\w+)", name):  # 0 is the normalisation
        return f"mapping.layers.{int(found[1]) - 1}.{found[2]}"
    if name in _FIXED:
        return _FIXED[name]
    if found := re.fullmatch(r"(conv1|to_rgb1|convs\.\d+|to_rgbs\.\d+)\.(.+)", name):
        layer, rest = found[1], found[2]
        kind, _, number = layer.partition(".")
        if kind == "convs":
            layer = conv(int(number))
        elif kind == "to_rgbs":
            layer = f"blocks.{int(number) + 1}.to_rgb"
        return f"{_FIXED.get(layer, layer)}.{_LAYER.get(rest, rest)}"
    return name


def conv(number: int) -> str:
    """Our name for `convs.N`; -1 is the one at 4x4."""
    return f"blocks.{(number + 2) // 2}.conv{number % 2}"


def _dimensions(name: str, value: Tensor) -> int:
    if name.endswith("noise_strength"):
        return 0
    if name.endswith("const"):
        return 3
    return 1 if name.endswith("bias") else min(value.ndim, 4)
