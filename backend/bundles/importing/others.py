"""StyleGAN2 as BasicSR and GenForce write it."""

from __future__ import annotations

import re

from torch import Tensor

from backend.bundles.importing.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    State,
    check_filter,
    make_checkpoint,
    without_ones,
)
from backend.bundles.importing.conditional import check_unconditional, fold_class
from backend.bundles.importing.contents import Contents
from backend.bundles.importing.rosinality import conv

BASICSR_MARK = "style_conv1.modulated_conv.weight"
GENFORCE_MARK = "mapping.dense0.weight"

_BASICSR_LAYER = {
    "modulated_conv.weight": ("weight", 4),
    "modulated_conv.modulation.weight": ("affine.weight", 2),
    "modulated_conv.modulation.bias": ("affine.bias", 1),
    "weight": ("noise_strength", 0),
    "activate.bias": ("bias", 1),
    "bias": ("bias", 1),
}
_GENFORCE_LAYER = {
    "weight": "weight",
    "bias": "bias",
    "style.weight": "affine.weight",
    "style.bias": "affine.bias",
    "noise_strength": "noise_strength",
    "noise": "noise_const",
}


def read_basicsr(found: Contents, chosen: int | None) -> Checkpoint:
    """BasicSR's StyleGAN2Generator; raises BadCheckpoint."""
    check_unconditional(0, chosen)
    state: State = {}
    for name, value in found.tensors.items():
        ours, dimensions = _basicsr_name(name)
        state[ours] = without_ones(value, dimensions)
    return make_checkpoint(state, "StyleGAN2 checkpoint of BasicSR's")


def _basicsr_name(name: str) -> tuple[str, int]:
    """Our name, and how many dimensions the tensor has with us."""
    if name == "constant_input.weight":
        return "blocks.0.const", 3
    if part := re.fullmatch(r"style_mlp\.(\d+)\.(weight|bias)", name):  # 0 is the normalisation
        return f"mapping.layers.{int(part[1]) - 1}.{part[2]}", 2
    if part := re.fullmatch(r"noises\.noise(\d+)", name):
        return f"{conv(int(part[1]) - 1)}.noise_const", 2
    layers = r"(style_conv1|to_rgb1|style_convs\.(\d+)|to_rgbs\.(\d+))\.(.+)"
    if (part := re.fullmatch(layers, name)) and part[4] in _BASICSR_LAYER:
        fixed = {"style_conv1": conv(-1), "to_rgb1": "blocks.0.to_rgb"}
        if part[3] is not None:
            layer = f"blocks.{int(part[3]) + 1}.to_rgb"
        else:
            layer = fixed.get(part[1]) or conv(int(part[2]))
        kind, dimensions = _BASICSR_LAYER[part[4]]
        return f"{layer}.{kind}", dimensions
    return name, 4


def read_genforce(found: Contents, chosen: int | None) -> Checkpoint:
    """GenForce's StyleGAN2Generator and StyleGAN2ADAGenerator; raises BadCheckpoint."""
    tensors = dict(found.tensors)
    weight = tensors.pop("mapping.LabelEmbed.weight", None)
    bias = tensors.pop("mapping.LabelEmbed.bias", None)
    if any(name.startswith("synthesis.skip_layer") for name in tensors):
        raise BadCheckpoint("It has the residual architecture; only 'skip' is read.")
    state: State = {}
    for name, value in tensors.items():
        if name.endswith((".kernel", "filter.kernel")):
            check_filter(name, value.reshape(value.shape[-2:]))
        else:
            ours, value = _genforce(name, value)
            state[ours] = value
    notes = []
    if weight is not None and bias is not None:
        notes.append(fold_class(state, weight, bias, chosen))
    else:
        check_unconditional(len(tensors.get("mapping.label_weight", ())), chosen)
    return make_checkpoint(state, "StyleGAN2 checkpoint of GenForce's", notes=notes)


def _genforce(name: str, value: Tensor) -> tuple[str, Tensor]:
    """Our name and tensor."""
    if name == "truncation.w_avg":
        return "w_avg", value
    if name == "synthesis.early_layer.const":
        return "blocks.0.const", without_ones(value, 3)
    if part := re.fullmatch(r"mapping\.dense(\d+)\.(weight|bias)", name):
        return f"mapping.layers.{part[1]}.{part[2]}", value
    if part := re.fullmatch(r"synthesis\.(layer|output)(\d+)\.(.+)", name):
        number, kind = int(part[2]), _GENFORCE_LAYER.get(part[3], part[3])
        if part[1] == "output":
            layer = f"blocks.{number}.to_rgb"
        else:
            layer = conv(number - 1)
            if kind == "weight" and layer.endswith("conv0"):
                value = value.flip(2, 3)  # upsampling reads its kernel the other way round
        if kind == "affine.bias":
            value = value + 1
        return f"{layer}.{kind}", without_ones(value, 2) if kind == "noise_const" else value
    return name, value
