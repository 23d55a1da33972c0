"""Conditional generators: with its class fixed, one is an ordinary generator.

The class's embedding is a constant input of the first mapping layer, so it becomes part of that
layer's bias, exactly.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from backend.bundles.importing.checkpoint import BadCheckpoint, State

_FIRST = "mapping.layers.0."


def fold_class(state: State, weight: Tensor, bias: Tensor, chosen: int | None) -> str:
    """Fix the class `chosen` in `state`, whose first mapping layer reads (z, embedding).

    weight: (embedding, classes); bias: (embedding,), of the embedding. Returns a note. Raises
    BadCheckpoint.
    """
    classes = _check_class(weight.shape[1], chosen)
    first = state[f"{_FIRST}weight"]  # (w_dim, z_dim + embedding)
    z_dim = first.shape[1] - len(weight)
    if z_dim < 1:
        raise BadCheckpoint("It draws from its classes alone, without a latent code.")
    embedded = weight[:, chosen].double() / math.sqrt(classes) + bias.double()
    embedded = embedded * torch.rsqrt(embedded.square().mean() + 1e-8)
    # A layer's weights are used 1 / sqrt(inputs) as large; its bias by the learning rate alone.
    gain = 1 / math.sqrt(first.shape[1])
    shift = gain * (first[:, z_dim:].double() @ embedded)
    state[f"{_FIRST}bias"] = (state[f"{_FIRST}bias"].double() + shift).float()
    state[f"{_FIRST}weight"] = first[:, :z_dim] * (gain * math.sqrt(z_dim))
    return f"Of its {classes} classes, number {chosen} was taken; the others are not kept."


def check_unconditional(classes: int, chosen: int | None) -> None:
    """Raises BadCheckpoint where a class is asked for in vain, or cannot be fixed."""
    if classes:
        raise BadCheckpoint(
            f"It is conditional ({classes} classes), and its classes cannot be told apart here: "
            "they are joined to the latent code before that is normalised."
        )
    if chosen is not None:
        raise BadCheckpoint("It has no classes to choose from; leave --class out.")


def _check_class(classes: int, chosen: int | None) -> int:
    if chosen is None or not 0 <= chosen < classes:
        raise BadCheckpoint(
            f"It is conditional ({classes} classes): choose one by --class 0 to {classes - 1}."
        )
    return classes
