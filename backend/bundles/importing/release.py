"""What EditGAN's own release consists of: a folder with a generator (`.pt`), an encoder, ten
classifiers (`.pth`) and editing vectors (`.npy`, or pickled by its tool)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.bundles.importing.checkpoint import BadCheckpoint, Checkpoint, FoundEncoder, State
from backend.bundles.importing.isolated import read_checkpoint, read_tensors
from backend.models.fpn_encoder import FpnEncoder
from backend.models.generator import Generator
from backend.models.segmentation import SegmentationBranch, hidden_sizes

_NUMBERED = re.compile(r"model.*?(\d+)\.pth$")  # car_model_0.pth, model_iter0_number_0.pth
_LAYERS = "layers."
_VECTOR = "edit_vector"  # in what the tool pickles
_NO_EDITS = re.compile(r"latent|embedding|mask|sample", re.IGNORECASE)


@dataclass(frozen=True)
class Release:
    """checkpoint: generator and encoder. branch: the classifiers as a segmentation branch, None
    where there are none. vectors: float32 [n_ws, w_dim] by name."""

    checkpoint: Checkpoint
    branch: SegmentationBranch | None
    vectors: dict[str, np.ndarray]


def read_release(folder: Path) -> Release:
    """Everything below `folder` that belongs to one model; raises BadCheckpoint."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    generators = [path for path in files if path.suffix in (".pt", ".pkl")]
    if len(generators) != 1:
        raise BadCheckpoint(
            f"{folder} holds {len(generators)} generators (.pt); a release of EditGAN has one."
        )
    checkpoint = read_checkpoint(generators[0])
    others = [path for path in files if path.suffix == ".pth"]
    tensors = dict(zip(others, read_tensors(others), strict=True)) if others else {}
    encoders = [state for state in tensors.values() if _below(state, "FPN_module.")]
    heads = [path for path in tensors if _below(tensors[path], _LAYERS)]
    if len(encoders) == 1:
        checkpoint = replace(checkpoint, encoder=_encoder(encoders[0], checkpoint))
    elif encoders:
        note = f"It holds {len(encoders)} encoders: keep the one that is wanted. None was taken."
        checkpoint = replace(checkpoint, notes=(*checkpoint.notes, note))
    ordered = sorted(heads, key=lambda path: (_number(path), path.name))
    branch = _branch([tensors[path] for path in ordered], checkpoint) if heads else None
    return Release(checkpoint, branch, _vectors(files, checkpoint))


def _number(path: Path) -> int:
    found = _NUMBERED.search(path.name)
    return int(found[1]) if found else -1


def _below(state: State, name: str) -> State:
    """The tensors whose names begin with `name` after what wraps them (model_state_dict,
    module)."""
    found = ((key.find(name), key, value) for key, value in state.items())
    wrapped = r"([\w.]+\.)?"
    return {
        key[at:]: value
        for at, key, value in found
        if at >= 0 and re.fullmatch(wrapped, key[:at]) is not None
    }


def _encoder(state: State, checkpoint: Checkpoint) -> FoundEncoder:
    """Raises BadCheckpoint unless it gives the codes that the generator wants."""
    start = next(key[: key.find("FPN_module.")] for key in state if "FPN_module." in key)
    own = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
    own = {name: value.float() for name, value in own.items()}
    try:
        with torch.device("meta"):
            network = FpnEncoder.fitting({k: v.to("meta") for k, v in own.items()})
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        raise BadCheckpoint("The release's encoder is damaged or of another kind.") from error
    levels = ("course", "medium", "fine")
    codes = sum(len(list(network.get_submodule(f"{one}_styles").children())) for one in levels)
    if codes != checkpoint.config.n_ws:
        wanted = checkpoint.config.n_ws
        raise BadCheckpoint(f"The release's encoder gives {codes} codes instead of {wanted}.")
    return FoundEncoder("fpn", own)


def _branch(heads: Sequence[State], checkpoint: Checkpoint) -> SegmentationBranch:
    """The classifiers as one branch: each batch norm becomes part of the next linear layer, so the
    logits are the same. Raises BadCheckpoint."""
    channels = checkpoint.config.feature_channels
    own = [_below(head, _LAYERS) for head in heads]
    try:
        classes = len(own[0]["layers.6.weight"])
        h0, h1 = hidden_sizes(classes)
        wanted = {"0": (h0, sum(channels)), "3": (h1, h0), "6": (classes, h1)}
        for head in own:
            for number, shape in wanted.items():
                if tuple(head[f"layers.{number}.weight"].shape) != shape:
                    found = list(head[f"layers.{number}.weight"].shape)
                    raise BadCheckpoint(
                        f"A classifier's layer {number} is {found} instead of {list(shape)}: it "
                        "belongs to another generator."
                    )
        with torch.no_grad():
            layers = [_folded(head) for head in own]
    except (KeyError, RuntimeError) as error:
        raise BadCheckpoint("One of the release's classifiers is damaged.") from error
    branch = SegmentationBranch(channels, classes, checkpoint.config.resolution, len(own))
    with torch.no_grad():
        _fill(branch, layers, channels)
    return branch.eval().requires_grad_(False)


def _folded(head: State) -> list[tuple[Tensor, Tensor]]:
    """Weight (outputs, inputs) and bias of the three linear layers."""
    found = []
    shift, gain = torch.zeros(()), torch.ones(())
    for linear, norm in (("0", "2"), ("3", "5"), ("6", None)):
        weight = head[f"layers.{linear}.weight"].double()
        bias = head[f"layers.{linear}.bias"].double() + (weight * shift).sum(dim=1)
        found.append(((weight * gain).float(), bias.float()))
        if norm:
            name = f"layers.{norm}."
            variance = head[f"{name}running_var"].double() + 1e-5
            gain = head[f"{name}weight"].double() / variance.sqrt()
            shift = head[f"{name}bias"].double() - head[f"{name}running_mean"].double() * gain
    return found


def _fill(
    branch: SegmentationBranch,
    heads: Sequence[list[tuple[Tensor, Tensor]]],
    channels: Sequence[int],
) -> None:
    first = torch.cat([head[0][0] for head in heads])  # (K * h0, D)
    for target, part in zip(branch.weight0, first.split(list(channels), 1), strict=True):
        target.copy_(part)
    branch.bias0.copy_(torch.cat([head[0][1] for head in heads]))
    for layer, weight, bias in (
        (1, branch.weight1, branch.bias1),
        (2, branch.weight2, branch.bias2),
    ):
        weight.copy_(torch.stack([head[layer][0].t() for head in heads]))
        bias.copy_(torch.stack([head[layer][1][None] for head in heads]))


def _vectors(files: Sequence[Path], checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """Editing vectors by name: arrays of the generator's W+ that are no picture's own code."""
    shape = checkpoint.config.n_ws, checkpoint.config.w_dim
    found: dict[str, np.ndarray] = {}
    pickled = [path for path in files if path.suffix in (".pickle", ".pck")]
    for path in files:
        if path.suffix == ".npy" and not _NO_EDITS.search(f"{path.parent.name}/{path.name}"):
            try:
                value = np.load(path, allow_pickle=False)
            except (OSError, ValueError):
                continue  # other arrays lie in such folders, too
            if value.size == shape[0] * shape[1] and value.dtype.kind == "f":
                found[path.stem] = value.reshape(shape).astype(np.float32)
    for path, state in zip(pickled, read_tensors(pickled) if pickled else [], strict=True):
        value = state.get(_VECTOR)
        if value is not None and value.numel() == shape[0] * shape[1]:
            found[path.stem] = value.float().reshape(shape).numpy()
    return {name: value for name, value in found.items() if np.isfinite(value).all()}


@torch.no_grad()
def changed_parts(
    generator: Generator, branch: SegmentationBranch, vector: np.ndarray, *, least: float = 0.1
) -> list[int]:
    """The parts that a vector changes on the mean picture: those with at least that share of the
    changed pixels, largest first; the most changed one where there is none."""
    mean = generator.map(torch.zeros(1, generator.config.z_dim), truncation=0.0)
    before, after = (
        branch.labels(generator(code)[1]) for code in (mean, mean + torch.tensor(vector))
    )
    moved = before != after
    counts = torch.zeros(branch.classes)
    for labels in (before, after):
        counts += torch.bincount(labels[moved].long(), minlength=branch.classes)
    order = counts.argsort(descending=True).tolist()
    chosen = [part for part in order if counts[part] > 0 and counts[part] >= least * counts.sum()]
    return chosen or order[:1]
