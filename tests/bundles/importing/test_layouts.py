"""Generators in the layouts of other programs draw the pictures that they drew there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_files import nvidia_modules, persistent_pickler, write_nvidia, write_rosinality
from checkpoint_layouts import basicsr_state, genforce_state, write_tensorflow
from importing_checks import check_same_pictures, original, refusal
from safetensors.torch import save_file
from stylegan_reference import Generator, rosinality_state

from backend.bundles.importing.read import read_here

State = dict[str, torch.Tensor]


@pytest.mark.parametrize("clamp", [None, 1.5])
def test_tensorflow(tmp_path: Path, clamp: float | None) -> None:
    generator = original(conv_clamp=clamp, channels=(16, 8, 8, 4))
    settings = {"conv_clamp": clamp, "num_fp16_res": 2 if clamp else 0}
    write_tensorflow(tmp_path / "a.pkl", generator, **settings)
    found = read_here(tmp_path / "a.pkl")
    check_same_pictures(found, generator)
    check_same_pictures(found, generator, psi=0.5)
    assert found.config.conv_clamp == clamp
    assert ("half precision" in " ".join(found.notes)) == bool(clamp)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"architecture": "resnet"}, "architecture = 'resnet'"),
        ({"num_channels": 1}, "num_channels = 1"),
        ({"resample_kernel": [1, 2, 1]}, "resample_kernel"),
        ({"labels": "LabelConcat"}, "conditional (3 classes)"),
    ],
)
def test_other_tensorflow_networks_say_why(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    write_tensorflow(tmp_path / "a.pkl", original(), **settings)
    assert said in refusal(tmp_path / "a.pkl")


def ada_state(generator: Generator) -> State:
    return dict(generator.state_dict())


@pytest.mark.parametrize("make", [ada_state, rosinality_state, basicsr_state, genforce_state])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"g_ema": state, "g": {k: v / 2 for k, v in state.items()}},
        lambda state: {"generator_smooth": state, "generator": dict.fromkeys(state, 0)},
        lambda state: {"params_ema": {f"module.{k}": v for k, v in state.items()}},
        lambda state: {f"module.{k}": v for k, v in state.items()},
        lambda state: state,
    ],
    ids=["g_ema", "smooth", "parallel", "module", "bare"],
)
def test_state_dicts_however_they_are_wrapped(
    tmp_path: Path, make: Callable[[Generator], State], wrap: Callable[[State], Any]
) -> None:
    generator = original()
    torch.save(wrap(make(generator)), tmp_path / "a.pt")
    check_same_pictures(read_here(tmp_path / "a.pt"), generator)


@pytest.mark.parametrize("make", [ada_state, rosinality_state, genforce_state])
def test_safetensors(tmp_path: Path, make: Callable[[Generator], State]) -> None:
    generator = original()
    state = {name: value.contiguous().clone() for name, value in make(generator).items()}
    save_file(state, tmp_path / "a.safetensors")
    check_same_pictures(read_here(tmp_path / "a.safetensors"), generator)
    cut = (tmp_path / "a.safetensors").read_bytes()[:-9]
    (tmp_path / "b.safetensors").write_bytes(cut)
    assert "ends too early" in refusal(tmp_path / "b.safetensors")


def test_a_network_saved_whole_as_pti_does(tmp_path: Path) -> None:
    generator = original()
    with nvidia_modules():
        torch.save(generator, tmp_path / "a.pt", pickle_module=persistent_pickler())
    check_same_pictures(read_here(tmp_path / "a.pt"), generator)


def test_without_noise_and_with_a_mean_for_each_layer(tmp_path: Path) -> None:
    """rosinality before 2020, and what pSp keeps beside it."""
    generator = original()
    for block in generator.synthesis.children():
        for conv in (getattr(block, "conv0", None), block.conv1):
            if conv is not None:
                conv.noise_strength.zero_()
    state = {k: v for k, v in rosinality_state(generator).items() if "noises" not in k}
    mean = generator.mapping.w_avg.repeat(6, 1)
    torch.save({"g_ema": state, "latent_avg": mean}, tmp_path / "a.pt")
    found = read_here(tmp_path / "a.pt")
    check_same_pictures(found, generator, psi=0.5)
    assert any("constant noise" in note for note in found.notes)


@pytest.mark.parametrize("start", [(4, 6), (8, 4), (4, 2)])
def test_pictures_that_are_not_square(tmp_path: Path, start: tuple[int, int]) -> None:
    """eps696's and StyleGAN-Human's; they lie between black bars in a square."""
    generator = original(start=start)
    write_nvidia(tmp_path / "a.pkl", generator)
    found = read_here(tmp_path / "a.pkl")
    check_same_pictures(found, generator)
    assert found.config.picture_size == (4 * start[0], 4 * start[1])


@pytest.mark.parametrize("chosen", [0, 2])
def test_a_class_of_a_conditional_generator(tmp_path: Path, chosen: int) -> None:
    generator = original(c_dim=3)
    write_nvidia(tmp_path / "a.pkl", generator)
    assert "conditional (3 classes): choose one by --class 0 to 2" in refusal(tmp_path / "a.pkl")
    found = read_here(tmp_path / "a.pkl", chosen=chosen)
    generator.mapping.chosen = chosen
    check_same_pictures(found, generator)
    check_same_pictures(found, generator, psi=0.5)
    assert f"number {chosen} was taken" in found.notes[0]


def test_a_class_where_there_is_none(tmp_path: Path) -> None:
    write_rosinality(tmp_path / "a.pt", original())
    assert "no classes" in refusal(tmp_path / "a.pt", chosen=1)
    torch.save({"g_ema": ada_state(original(c_dim=3))}, tmp_path / "b.pt")
    assert "choose one" in refusal(tmp_path / "b.pt", chosen=3)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["G_ema.synthesis.input.weight", "mapping.fc0.weight"], "alias-free StyleGAN3"),
        (["GAN.GE.blocks.0.to_noise1.weight"], "lucidrains"),
        (["encoder.input_layer.0.weight"], "encoder of e4e or pSp without its generator"),
        (["model_state_dict.FPN_module.conv1.weight"], "import its whole folder"),
        (["module.layers.0.weight"], "import its whole folder"),
        (["generator.progression.0.conv1.weight"], "first StyleGAN"),
        (["mapping.dense0.weight"], "mapping or synthesis is missing"),
        (["weight", "bias"], "a dict of weight, bias"),
    ],
)
def test_what_else_a_file_can_be(tmp_path: Path, names: list[str], said: str) -> None:
    torch.save(dict.fromkeys(names, torch.ones(4, 4)), tmp_path / "a.pt")
    assert said in refusal(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("channels", "said"), [(1, "grey"), (4, "RGBA"), (12, "SWAGAN"), (7, "7 channels")]
)
def test_other_pictures_than_rgb(tmp_path: Path, channels: int, said: str) -> None:
    state = rosinality_state(original())
    for name in [name for name in state if "to_rgb" in name and name.endswith("conv.weight")]:
        state[name] = torch.ones(1, channels, *state[name].shape[2:])
    torch.save({"g_ema": state}, tmp_path / "a.pt")
    assert said in refusal(tmp_path / "a.pt")
