"""`.pt` files of rosinality's stylegan2-pytorch, whose layout many projects use."""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from backend.bundles.importing.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    State,
    check_filter,
    make_checkpoint,
)
from backend.bundles.importing.torch_file import check_torch_file

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


def read(path: Path) -> Checkpoint:
    """The averaged generator of a `.pt` file; raises BadCheckpoint."""
    content = _load(path)
    networks = content if isinstance(content, Mapping) else {}
    weights = networks.get("g_ema", networks)
    if not isinstance(weights, Mapping) or "style.1.weight" not in weights:
        names = [key for key in networks if isinstance(key, str)]
        keys = ", ".join(key[:30] for key in names[:5]) or type(content).__name__
        raise BadCheckpoint(f"It is no StyleGAN2 checkpoint with 'g_ema'; it holds {keys}.")
    tensors = {k: v for k, v in weights.items() if isinstance(k, str) and isinstance(v, Tensor)}
    state = _renamed(tensors)
    if isinstance(mean := networks.get("latent_avg"), Tensor):
        state["w_avg"] = _without_ones(mean, 1)
    return make_checkpoint(state, "StyleGAN2 checkpoint in rosinality's layout")


def _load(path: Path) -> Any:
    with path.open("rb") as file:
        check_torch_file(file)
    try:
        # a finished training run keeps its options beside the weights: names and plain values
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise BadCheckpoint(
                f"It wants to run '{found[1]}', which no StyleGAN2 checkpoint needs; nothing in "
                "the file was executed."
            ) from error
        raise BadCheckpoint("It is damaged; get the file again.") from error
    except Exception as error:  # torch raises many kinds for damaged files
        raise BadCheckpoint("It ends too early or is damaged; get the file again.") from error


def _renamed(tensors: Mapping[str, Tensor]) -> State:
    state: State = {}
    for name, value in tensors.items():
        if name.endswith((".blur.kernel", ".upsample.kernel")):
            check_filter(name, value)
        elif found := re.fullmatch(r"noises\.noise_(\d+)", name):
            state[f"{_conv(int(found[1]) - 1)}.noise_const"] = _without_ones(value, 2)
        else:
            ours = _our_name(name)
            state[ours] = _without_ones(value, _dimensions(ours, value))
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
            layer = _conv(int(number))
        elif kind == "to_rgbs":
            layer = f"blocks.{int(number) + 1}.to_rgb"
        return f"{_FIXED.get(layer, layer)}.{_LAYER.get(rest, rest)}"
    return name


def _conv(number: int) -> str:
    """Our name for `convs.N`; -1 is the one at 4x4."""
    return f"blocks.{(number + 2) // 2}.conv{number % 2}"


def _dimensions(name: str, value: Tensor) -> int:
    if name.endswith("noise_strength"):
        return 0
    if name.endswith("const"):
        return 3
    return 1 if name.endswith("bias") else min(value.ndim, 4)


def _without_ones(value: Tensor, dimensions: int) -> Tensor:
    """The tensor without leading, then trailing, dimensions of one: (1, 3, 1, 1) -> (3,)."""
    while value.ndim > dimensions and value.shape[0] == 1:
        value = value[0]
    while value.ndim > dimensions and value.shape[-1] == 1:
        value = value[..., 0]
    return value
