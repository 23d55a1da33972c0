#!/usr/bin/env python3
"""A generator of this repository's, of now or of an earlier commit, as a stranger's checkpoint.

    python benchmarks/stranger.py former.pkl [--commit 4c5df7a] [--bundle faces]
    editgan adopt former.pkl --name former
    python benchmarks/part_layers.py --bundle former --images labelled --without-parser
    editgan evaluate --bundle former --only presets ...

The file's ending says whose: `.pkl` is NVIDIA's pickle, `.pt` rosinality's. It is written by the
classes that the tests compare imported generators with, and nothing in it says that the generator
is known here, so that adopting it shows what a stranger's checkpoint comes to. Commit 4c5df7a has
the first model of faces, of 64 pixels; without --commit the present one is written. A model whose
samples are drawn from a distribution of codes in W+ gets a mapping network that gives exactly
these: see `with_mapping`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from checkpoint_files import (  # type: ignore[import-not-found]  # noqa: E402
    write_nvidia,
    write_rosinality,
)
from stylegan_reference import Generator  # type: ignore[import-not-found]  # noqa: E402

from backend.models.config import GeneratorConfig  # noqa: E402
from backend.models.layers import LRELU_GAIN  # noqa: E402

_MOVED = 10.0  # standard deviations, beyond which nothing is drawn


def file_of(commit: str | None, path: str) -> bytes:
    """A file of the repository, at a commit or as it lies here."""
    if commit is None:
        return (ROOT / path).read_bytes()
    return subprocess.run(
        ["git", "show", f"{commit}:{path}"], cwd=ROOT, check=True, capture_output=True
    ).stdout


def has_file(commit: str | None, path: str) -> bool:
    """Whether there is such a file."""
    if commit is None:
        return (ROOT / path).is_file()
    command = ["git", "cat-file", "-e", f"{commit}:{path}"]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0


def strangers_name(name: str) -> str:
    """NVIDIA's name of one of our tensors."""
    if name.startswith("blocks."):
        _, block, rest = name.split(".", 2)
        return f"synthesis.b{4 << int(block)}.{rest.replace('to_rgb.', 'torgb.')}"
    layer = name.removeprefix("mapping.layers.")
    return "mapping.w_avg" if name == "w_avg" else f"mapping.fc{layer}"


def with_mapping(
    config: GeneratorConfig, weights: dict[str, torch.Tensor], codes: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Weights of a generator whose mapping network draws what `codes` does.

    The new W is the space of z, moved so far that no leaky ReLU bends it; what makes z the w of a
    layer, mean + basis z, becomes part of the layer's affine map.
    """
    mean, basis = codes["mean"].double(), codes["basis"].double()  # (n_ws, w), (z, n_ws, w)
    new = {name: value.double() for name, value in weights.items()}
    for layer in range(config.mapping_layers):
        name, straight = f"mapping.layers.{layer}", torch.eye(config.w_dim, dtype=torch.float64)
        gains = 0.01 * LRELU_GAIN  # of the layer's learning rate, and of its activation
        new[f"{name}.weight"] = straight * config.w_dim**0.5 / gains
        new[f"{name}.bias"] = torch.full((config.w_dim,), _MOVED / gains if layer == 0 else 0.0)
    new["w_avg"] = torch.full((config.w_dim,), _MOVED)
    for name, place in places_of_affine_maps(config).items():
        gain = 1 / config.w_dim**0.5
        weight, bias = new[f"{name}.weight"], new[f"{name}.bias"]  # (I, w), (I,)
        new[f"{name}.weight"] = affine = weight @ basis[:, place].t()
        shift = weight @ mean[place] - _MOVED * affine.sum(dim=1)
        new[f"{name}.bias"] = bias + gain * shift
    return {name: value.float() for name, value in new.items()}


def places_of_affine_maps(config: GeneratorConfig) -> dict[str, int]:
    """Which row of w_plus each affine map reads."""
    places, place = dict[str, int](), 0
    for block in range(len(config.block_resolutions)):
        for conv in ("conv1",) if block == 0 else ("conv0", "conv1"):
            places[f"blocks.{block}.{conv}.affine"] = place
            place += 1
        places[f"blocks.{block}.to_rgb.affine"] = place  # and the next block's first one
    return places


def stranger(config: GeneratorConfig, weights: dict[str, torch.Tensor]) -> Generator:
    """The same generator, in the classes and under the names of NVIDIA's."""
    generator = Generator(
        config.z_dim,
        config.w_dim,
        [config.channels(resolution) for resolution in config.block_resolutions],
        config.mapping_layers,
        config.conv_clamp,
    )
    given = {strangers_name(name): value.float() for name, value in weights.items()}
    own = generator.state_dict()
    filters = {name: value for name, value in own.items() if name.endswith("resample_filter")}
    shaped = {name: value.reshape(own[name].shape) for name, value in given.items()}
    generator.load_state_dict(shaped | filters)
    return generator.eval().requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--commit")
    parser.add_argument("--bundle", default="faces")
    args = parser.parse_args()
    folder = f"backend/bundles/builtin/{args.bundle}"
    about = json.loads(file_of(args.commit, f"{folder}/bundle.json"))["generator"]
    config = GeneratorConfig(**about)
    weights = load(file_of(args.commit, f"{folder}/generator.safetensors"))
    if has_file(args.commit, codes := f"{folder}/codes.safetensors"):
        weights = with_mapping(config, weights, load(file_of(args.commit, codes)))
    generator = stranger(config, weights)
    write = write_rosinality if args.file.suffix == ".pt" else write_nvidia
    write(args.file, generator)
    print(f"{args.file}: {config.resolution} pixels, {args.file.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
