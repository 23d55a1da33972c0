"""Encoders that are in a file beside their generator: pSp's and e4e's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from backend.bundles.importing.checkpoint import BadCheckpoint, Checkpoint, FoundEncoder, State
from backend.bundles.importing.contents import Contents
from backend.models.psp_encoder import PspEncoder

_DECODER = "decoder."
_KINDS = {"Encoder4Editing": "e4e", "GradualStyleEncoder": "psp"}


def encoder_of(found: Contents, prefix: str, checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with the encoder that stands beside the generator at `prefix`, if any."""
    if not prefix.endswith(_DECODER):
        return checkpoint
    beside = prefix.removesuffix(_DECODER) + "encoder."
    tensors = found.below(beside).tensors
    if not tensors:
        return checkpoint
    kind = _KINDS.get(str(_option(found, "encoder_type")))
    if kind is None or "styles.0.convs.0.weight" not in tensors or _inputs(tensors) != 3:
        what = "refines its code in rounds (ReStyle)" if _inputs(tensors) == 6 else "is of a kind"
        note = f"Its encoder {what} that is not read here: only the generator was taken."
        return replace(checkpoint, notes=(*checkpoint.notes, note))
    state: State = {name: value.float() for name, value in tensors.items()}
    state["latent_avg"] = _mean(found, checkpoint)
    return with_encoder(checkpoint, kind, state)


def with_encoder(checkpoint: Checkpoint, kind: object, state: State) -> Checkpoint:
    """The checkpoint with this encoder; raises BadCheckpoint where they do not go together."""
    if kind not in _KINDS.values():
        raise BadCheckpoint("Its encoder is of an unknown kind.")
    _check(state, str(kind), checkpoint)
    return replace(checkpoint, encoder=FoundEncoder(str(kind), state))


def _inputs(tensors: dict[str, Tensor]) -> int:
    """Channels that an encoder reads: 3, or 6 where it also reads the picture of its last code."""
    first = tensors.get("input_layer.0.weight")
    return first.shape[1] if first is not None and first.ndim == 4 else 0


def _option(found: Contents, name: str) -> Any:
    """An option that the training kept beside the weights."""
    if f"opts.{name}" in found.values:
        return found.values[f"opts.{name}"]
    return getattr(found.values.get("opts"), name, None)


def _mean(found: Contents, checkpoint: Checkpoint) -> Tensor:
    """What the encoder's codes are offsets from: (n_ws, w_dim)."""
    config = checkpoint.config
    shape = config.n_ws, config.w_dim
    if not _option(found, "start_from_latent_avg"):
        return torch.zeros(shape)
    mean = found.tensors.get("latent_avg")
    if mean is None:
        return checkpoint.state["w_avg"].expand(shape).clone()
    if mean.shape[-1] != config.w_dim or mean.numel() not in (config.w_dim, shape[0] * shape[1]):
        raise BadCheckpoint(f"Its latent_avg is {list(mean.shape)} instead of {list(shape)}.")
    return mean.float().reshape(-1, config.w_dim).expand(shape).clone()


def _check(state: State, kind: str, checkpoint: Checkpoint) -> None:
    """Raises BadCheckpoint unless the weights are an encoder for this generator."""
    heads = len({name.split(".")[1] for name in state if name.startswith("styles.")})
    if heads != checkpoint.config.n_ws:
        wanted = checkpoint.config.n_ws
        raise BadCheckpoint(f"Its encoder gives {heads} codes, its generator wants {wanted}.")
    try:
        with torch.device("meta"):
            meta = {name: value.to("meta") for name, value in state.items()}
            PspEncoder.fitting(meta, offsets=kind == "e4e")
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        raise BadCheckpoint("Its encoder is damaged or of another kind.") from error
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise BadCheckpoint(f"Its encoder's {name} holds numbers that are not finite.")
