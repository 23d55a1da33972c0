"""The reference generator in the layouts of other programs, written as they write them."""

from __future__ import annotations

import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stylegan_reference import Generator, rosinality_state
from torch import Tensor

State = dict[str, Tensor]


@contextmanager
def tensorflow_modules() -> Iterator[type]:
    """`dnnlib.tflib.network.Network`, for as long as a pickle is written."""
    names = ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network")
    modules = {name: types.ModuleType(name) for name in names}

    class Network:
        def __init__(self, state: dict[str, Any]) -> None:
            self.state = state

        def __getstate__(self) -> dict[str, Any]:
            return self.state

    Network.__module__, Network.__qualname__ = names[2], "Network"
    modules[names[2]].Network = Network  # type: ignore[attr-defined]
    sys.modules.update(modules)
    try:
        yield Network
    finally:
        for name in names:
            del sys.modules[name]


def write_tensorflow(
    path: Path, generator: Generator, *, labels: str | None = None, **settings: Any
) -> None:
    """G, D and Gs as stylegan2 (2019) and stylegan2-ada pickle them; settings: of the build.

    labels: "LabelEmbed" or "LabelConcat", the two ways in which conditional ones were built.
    """
    settings = {"num_channels": 3, "resolution": generator.img_resolution, **settings}
    mapping, synthesis = tensorflow_variables(generator)
    if labels:
        mapping.insert(0, (f"{labels}/weight", np.ones((3, 4), np.float32)))
    with tensorflow_modules() as network:

        def make(name: str, variables: list[Any], **components: Any) -> Any:
            state = {"version": 4, "name": name, "static_kwargs": dict(settings)}
            state |= {"components": components, "build_module_src": "raise AssertionError"}
            return network(state | {"build_func_name": name, "variables": variables})

        def whole(scale: float) -> Any:
            inside = {
                "synthesis": make("G_synthesis_stylegan2", [(n, v * scale) for n, v in synthesis]),
                "mapping": make("G_mapping", mapping),
            }
            mean = generator.mapping.w_avg.numpy()
            return make("G_main", [("lod", np.float32(0)), ("dlatent_avg", mean)], **inside)

        content = whole(0.5), make("D_stylegan2", []), whole(1.0)
        path.write_bytes(pickle.dumps(content, protocol=4))


def tensorflow_variables(generator: Generator) -> tuple[list[Any], list[Any]]:
    """Variables of the mapping and of the synthesis network, by name."""
    state = {name: value.numpy() for name, value in generator.state_dict().items()}
    mapping, synthesis = [], [("4x4/Const/const", state["synthesis.b4.const"][None])]
    for i in range(generator.mapping.num_layers):
        mapping.append((f"Dense{i}/weight", state[f"mapping.fc{i}.weight"].T))
        mapping.append((f"Dense{i}/bias", state[f"mapping.fc{i}.bias"]))
    noises = 0
    for side in generator.synthesis.block_resolutions:
        names = {"conv0": "Conv0_up", "conv1": "Conv" if side == 4 else "Conv1", "torgb": "ToRGB"}
        for ours, theirs in names.items():
            own = f"synthesis.b{side}.{ours}."
            if own + "weight" not in state:
                continue
            weight = state[own + "weight"]
            weight = weight[:, :, ::-1, ::-1] if ours == "conv0" else weight
            layer = f"{side}x{side}/{theirs}/"
            synthesis += [
                (layer + "weight", weight.transpose(2, 3, 1, 0)),
                (layer + "bias", state[own + "bias"]),
                (layer + "mod_weight", state[own + "affine.weight"].T),
                (layer + "mod_bias", state[own + "affine.bias"] - 1),
            ]
            if own + "noise_const" in state:
                synthesis.append((layer + "noise_strength", state[own + "noise_strength"]))
                noise = state[own + "noise_const"][None, None]
                synthesis.append((f"noise{noises}", noise))
                noises += 1
    return mapping, synthesis


def basicsr_state(generator: Generator) -> State:
    """The weights as BasicSR's StyleGAN2Generator keeps them."""
    state: State = {}
    for name, value in rosinality_state(generator).items():
        if name.endswith(".kernel"):
            continue
        for old, new in (
            ("style.", "style_mlp."), ("input.input", "constant_input.weight"),
            ("convs.", "style_convs."), ("noises.noise_", "noises.noise"),
            (".conv.modulation.", ".modulated_conv.modulation."),
            (".conv.weight", ".modulated_conv.weight"), (".noise.weight", ".weight"),
        ):  # fmt: skip
            name = name.replace(old, new)
        state["style_" + name if name.startswith("conv1.") else name] = value
    return state


def genforce_state(generator: Generator) -> State:
    """The weights as GenForce's StyleGAN2Generator keeps them."""
    own = generator.state_dict()
    state: State = {"truncation.w_avg": own["mapping.w_avg"]}
    state["synthesis.early_layer.const"] = own["synthesis.b4.const"][None]
    for i in range(generator.mapping.num_layers):
        for kind in ("weight", "bias"):
            state[f"mapping.dense{i}.{kind}"] = own[f"mapping.fc{i}.{kind}"]
    for block, side in enumerate(generator.synthesis.block_resolutions):
        names = {"conv0": f"layer{2 * block - 1}", "conv1": f"layer{2 * block}"}
        for ours, theirs in (names | {"torgb": f"output{block}"}).items():
            prefix, new = f"synthesis.b{side}.{ours}.", f"synthesis.{theirs}."
            if prefix + "weight" not in own:
                continue
            weight = own[prefix + "weight"]
            state[new + "weight"] = weight.flip(2, 3) if ours == "conv0" else weight
            state[new + "bias"] = own[prefix + "bias"]
            state[new + "style.weight"] = own[prefix + "affine.weight"]
            state[new + "style.bias"] = own[prefix + "affine.bias"] - 1
            if ours != "torgb":
                state[new + "noise_strength"] = own[prefix + "noise_strength"]
                state[new + "noise"] = own[prefix + "noise_const"][None, None]
            if ours == "conv0":
                row = torch.tensor([1.0, 3.0, 3.0, 1.0])
                state[new + "filter.kernel"] = (torch.outer(row, row) / 16)[None, None]
    return state


def psp_state(generator: Generator, *, narrow: int = 16) -> State:
    """Decoder, and an encoder of pSp's and e4e's shape with random weights, `narrow` channels wide
    at first instead of 64; of a generator whose w has 8 * narrow values."""
    from encoder_reference import GradualStyleEncoder

    torch.manual_seed(5)
    encoder = GradualStyleEncoder(narrow, len(generator.synthesis.block_resolutions) * 2)
    state = {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
    return state | {f"decoder.{k}": v for k, v in rosinality_state(generator).items()}


def write_psp(path: Path, generator: Generator, kind: str, **extra: Any) -> State:
    """A finished training of pSp's or e4e's; returns the encoder's part of it."""
    state = psp_state(generator)
    mean = generator.mapping.w_avg.repeat(2 * len(generator.synthesis.block_resolutions), 1)
    opts = {"encoder_type": kind, "start_from_latent_avg": True, "device": "cuda:0", **extra}
    torch.save({"state_dict": state, "latent_avg": mean, "opts": opts}, path)
    return {k.removeprefix("encoder."): v for k, v in state.items() if k.startswith("encoder.")}
