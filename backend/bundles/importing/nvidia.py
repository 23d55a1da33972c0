"""NVIDIA's StyleGAN2 in PyTorch: stylegan2-ada-pytorch, StyleGAN2 trained with stylegan3, and what
descends from them; pickled with its source code, which is not read, or as a state dict."""

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
    check_filter,
    make_checkpoint,
)
from backend.bundles.importing.conditional import check_unconditional, fold_class
from backend.bundles.importing.contents import Contents, shown

MARK = "synthesis.b4.conv1.weight"
_UNKNOWN_CLAMP = (
    "It does not say whether activations are clipped, as in networks that were trained in half "
    "precision: they are not clipped here."
)


def read(found: Contents, chosen: int | None) -> Checkpoint:
    """The generator whose tensors `found` holds; raises BadCheckpoint."""
    if "synthesis.input" in found.attributes:
        raise BadCheckpoint("It is an alias-free StyleGAN3 generator; only StyleGAN2's are read.")
    for path, attributes in found.attributes.items():
        _check_attributes(path, attributes)
    clamp = _clamp(found)
    notes = [] if found.attributes else [_UNKNOWN_CLAMP]
    state = _renamed(found.tensors)
    classes = found.attributes.get("", {}).get("c_dim", 0)
    classes = classes if isinstance(classes, int) else 1
    embed = state.pop("mapping.embed.weight", None), state.pop("mapping.embed.bias", None)
    if embed[0] is not None and embed[1] is not None:
        notes.append(fold_class(state, embed[0], embed[1], chosen))
    else:
        check_unconditional(classes, chosen)
    kind = "pickle" if found.attributes else "state dict"
    return make_checkpoint(state, f"StyleGAN2 {kind} of NVIDIA's", conv_clamp=clamp, notes=notes)


def _clamp(found: Contents) -> float | None:
    """Where activations are clipped; raises BadCheckpoint."""
    clamps = [one["conv_clamp"] for one in found.attributes.values() if "conv_clamp" in one]
    if not all(one is None or (type(one) in (int, float) and 0 < one < 1e9) for one in clamps):
        raise BadCheckpoint("Its layers are clamped at something that is not a number.")
    if len(set(clamps)) > 1:
        raise BadCheckpoint("Its layers are clamped at different values.")
    return clamps[0] if clamps else None


def _check_attributes(path: str, attributes: Mapping[str, Any]) -> None:
    """Refuse a layer that computes something else than ours does."""
    wanted: dict[str, object] = {}
    if re.fullmatch(r"mapping\.fc\d+", path):
        wanted = {"activation": "lrelu", "bias_gain": 0.01}
    elif re.fullmatch(r"synthesis\.b\d+\.conv\d", path):
        wanted = {"activation": "lrelu", "use_noise": True}
    elif re.fullmatch(r"synthesis\.b\d+", path):
        wanted = {"architecture": "skip"}
    for name, value in wanted.items():
        found = attributes.get(name, value)
        if type(found) not in (str, bool, int, float) or found != value:
            said = f"{name} {shown(found)}; only {value!r} is read"
            raise BadCheckpoint(f"Its layer {path} has {said}.")


def _renamed(tensors: Mapping[str, Tensor]) -> State:
    """The tensors under our names, without the filters, which must be the usual ones."""
    state: State = {}
    for name, value in tensors.items():
        if name.endswith("resample_filter"):
            check_filter(name, value)
        elif not name.endswith("act_filter"):
            state[_our_name(name)] = value
    return state


def _our_name(name: str) -> str:
    if found := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
        return f"mapping.layers.{found[1]}.{found[2]}"
    if found := re.fullmatch(r"synthesis\.b(\d{1,5})\.(.+)", name):
        return f"blocks.{block_of(int(found[1]))}.{found[2].replace('torgb.', 'to_rgb.')}"
    return "w_avg" if name == "mapping.w_avg" else name
