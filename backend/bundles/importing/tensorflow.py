"""StyleGAN2 of NVIDIA's TensorFlow programs (stylegan2, 2019; stylegan2-ada, 2020), read without
TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from backend.bundles.importing.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    State,
    block_of,
    make_checkpoint,
)
from backend.bundles.importing.conditional import check_unconditional, fold_class
from backend.bundles.importing.contents import Contents, shown
from backend.bundles.importing.stand_ins import TensorFlowNetwork

MARK = "synthesis/4x4/Conv/weight"
# What the published code takes where a file says nothing; others would compute something else.
_WANTED = {
    "num_channels": 3,
    "architecture": "skip",
    "resample_kernel": [1, 3, 3, 1],
    "nonlinearity": "lrelu",
    "mapping_nonlinearity": "lrelu",
    "mapping_lrmul": 0.01,
    "normalize_latents": True,
    "use_noise": True,
}
_LAYER = {
    "weight": "weight",
    "bias": "bias",
    "noise_strength": "noise_strength",
    "mod_weight": "affine.weight",
    "mod_bias": "affine.bias",
}
_BLOCK = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "to_rgb"}


def read(found: Contents, chosen: int | None) -> Checkpoint:
    """The generator whose variables `found` holds; raises BadCheckpoint."""
    settings = _settings(found.attributes.get("", {}))
    for name, value in _WANTED.items():
        own = settings.get(name)
        if own is not None and (type(own) is not type(value) or own != value):
            said = f"{name} = {shown(own)}; only {value!r} is read"
            raise BadCheckpoint(f"It was built with {said}.")
    clamp, half = _number(settings, "conv_clamp"), _number(settings, "num_fp16_res")
    notes = []
    if half:
        notes.append(f"Its {half:.0f} largest resolutions were trained in half precision.")
    variables = dict(found.tensors)
    weight = variables.pop("mapping/LabelEmbed/weight", None)
    bias = variables.pop("mapping/LabelEmbed/bias", None)
    joined = len(variables.pop("mapping/LabelConcat/weight", ()))
    labels = int(_number(settings, "label_size") or joined)
    state = _renamed(variables)
    if weight is not None and bias is not None:
        notes.append(fold_class(state, weight.t(), bias, chosen))
    else:
        check_unconditional(labels, chosen)
    return make_checkpoint(
        state,
        "TensorFlow StyleGAN2 pickle of NVIDIA's",
        conv_clamp=clamp,
        notes=notes,
    )


def _settings(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What a network and its components were built with."""
    found = dict(attributes.get("static_kwargs") or {})
    for component in (attributes.get("components") or {}).values():
        if isinstance(component, TensorFlowNetwork):
            found |= component.state.get("static_kwargs") or {}
    return found


def _number(settings: Mapping[str, Any], name: str) -> float | None:
    value = settings.get(name)
    if value is not None and type(value) not in (int, float, bool):
        raise BadCheckpoint(f"It was built with {name} = {shown(value)}, which is not a number.")
    return value


def _renamed(variables: Mapping[str, Tensor]) -> State:
    state: State = {}
    for name, value in variables.items():
        if name in ("lod", "synthesis/lod"):
            continue
        ours = _our_name(name)
        state[ours] = _turned(name, value.float())
    return state


def _our_name(name: str) -> str:
    if name == "dlatent_avg":
        return "w_avg"
    if name == "synthesis/4x4/Const/const":
        return "blocks.0.const"
    if found := re.fullmatch(r"mapping/Dense(\d+)/(weight|bias)", name):
        return f"mapping.layers.{found[1]}.{found[2]}"
    if found := re.fullmatch(r"synthesis/noise(\d+)", name):
        number = int(found[1])
        return f"blocks.{(number + 1) // 2}.conv{number % 2 ^ 1}.noise_const"
    if found := re.fullmatch(r"synthesis/(\d{1,5})x\d{1,5}/(\w+)/(\w+)", name):
        side, layer, kind = int(found[1]), found[2], found[3]
        if layer in _BLOCK and kind in _LAYER:
            return f"blocks.{block_of(side)}.{_BLOCK[layer]}.{_LAYER[kind]}"
        if layer == "Skip":
            raise BadCheckpoint("It has the residual architecture; only 'skip' is read.")
    return name


def _turned(name: str, value: Tensor) -> Tensor:
    """A variable with its dimensions in torch's order."""
    if name.endswith("mod_bias"):
        return value + 1
    if name.endswith(("Const/const", "/noise_strength")):
        return value[0] if value.ndim == 4 else value.reshape(())
    if re.search(r"/noise\d+$", name):
        return value[0, 0]
    if not name.endswith("weight"):
        return value
    if value.ndim == 2:
        return value.t()
    value = value.permute(3, 2, 0, 1)
    # Upsampling reads its kernel the other way round.
    return value.flip(2, 3) if "/Conv0_up/" in name else value
