"""Expression and age of a face, by the small networks of @vladmandic/face-api 1.7.15 (MIT): judges
that had no part in training anything here.

The files are read as the package brings them: `NAME-weights_manifest.json` says where in `NAME.bin`
each array lies, most of them quantised to eight bits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import BadImage

_SIDE = 112
_MEAN = (122.782, 117.001, 104.298)
_FACE = 0.17, 0.2, 0.66  # left, top and side of the face in an FFHQ-like frame, in sides
_EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")

Weights = dict[str, Tensor]


class FaceApi:
    """Both networks, read from the package's `model` folder; raises BadImage."""

    name = "face-api expression network"
    smile_name = f"{name}, probability of 'happy'"
    age_name = "face-api age network"

    def __init__(self, folder: Path) -> None:
        self._expression = read_weights(folder, "face_expression_model")
        self._age = read_weights(folder, "age_gender_model")

    @torch.no_grad()
    def smile(self, crop: NDArray[np.uint8]) -> float:
        """Probability of "happy" of an aligned crop, uint8 [S, S, 3]."""
        x, weights = _input(crop), self._expression
        for i in range(4):
            x = _dense_block(x, weights, f"dense{i}")
        return float(
            _dense(_pooled(x), weights, "fc").softmax(dim=1)[0, _EXPRESSIONS.index("happy")]
        )

    @torch.no_grad()
    def age(self, crop: NDArray[np.uint8]) -> float:
        """Years, of an aligned crop, uint8 [S, S, 3]."""
        weights = self._age
        x = F.relu(_conv(_input(crop), weights, "entry_flow/conv_in", 2))
        x = _reduction(x, weights, "entry_flow/reduction_block_0")
        x = _reduction(F.relu(x), weights, "entry_flow/reduction_block_1", before=x)
        for i in range(2):
            y = x
            for j in range(3):
                y = _separable(F.relu(y), weights, f"middle_flow/main_block_{i}/separable_conv{j}")
            x = x + y
        x = _reduction(F.relu(x), weights, "exit_flow/reduction_block", before=x)
        x = F.relu(_separable(x, weights, "exit_flow/separable_conv"))
        return float(_dense(_pooled(x), weights, "fc/age"))


def read_weights(folder: Path, name: str) -> Weights:
    """The arrays of a network by name, in torch's order of axes; raises BadImage."""
    try:
        manifest = json.loads((folder / f"{name}-weights_manifest.json").read_text("utf-8"))
        data = (folder / f"{name}.bin").read_bytes()
        found, at = {}, 0
        for entry in manifest[0]["weights"]:
            values, size = _array(entry, data, at)
            found[str(entry["name"])] = values
            at += size
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadImage(
            f"{folder} does not hold face-api's '{name}' ({error}); name the folder 'model' of the "
            "package @vladmandic/face-api."
        ) from error
    return found


def _array(entry: dict[str, Any], data: bytes, at: int) -> tuple[Tensor, int]:
    """One array, and how many bytes it takes."""
    shape, packed = entry["shape"], entry.get("quantization")
    kind, count = np.dtype(packed["dtype"] if packed else entry["dtype"]), int(np.prod(shape))
    values = np.frombuffer(data, kind, count, at).astype(np.float32).reshape(shape)
    if packed:
        values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
    array = torch.from_numpy(np.ascontiguousarray(values))
    if len(shape) == 4:  # height, width, inputs, outputs; a depthwise filter has one output each
        depthwise = entry["name"].endswith("depthwise_filter")
        array = array.permute(2, 3, 0, 1) if depthwise else array.permute(3, 2, 0, 1)
    return array.contiguous(), count * kind.itemsize


def _input(crop: NDArray[np.uint8]) -> Tensor:
    """The face in an aligned crop as the networks want it, (1, 3, 112, 112)."""
    whole = round(_SIDE / _FACE[2])
    x = torch.tensor(crop).permute(2, 0, 1)[None].float()
    shrinking = x.shape[-1] > whole
    x = F.interpolate(x, size=(whole, whole), mode="bilinear", antialias=shrinking)
    left, top = (round(share * whole) for share in _FACE[:2])
    x = x[..., top : top + _SIDE, left : left + _SIDE]
    return (x - torch.tensor(_MEAN)[:, None, None]) / 255


def _same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """TensorFlow's padding "same", which adds the odd pixel below and to the right."""
    needed = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:]]
    (top, bottom), (left, right) = ((n // 2, n - n // 2) for n in needed)
    return F.pad(x, (left, right, top, bottom), value=value)


def _conv(x: Tensor, weights: Weights, name: str, stride: int) -> Tensor:
    filters = weights[f"{name}/filters"]
    padded = _same(x, filters.shape[-1], stride)
    return F.conv2d(padded, filters, weights[f"{name}/bias"], stride)


def _separable(x: Tensor, weights: Weights, name: str, stride: int = 1) -> Tensor:
    depthwise = weights[f"{name}/depthwise_filter"]
    x = F.conv2d(_same(x, 3, stride), depthwise, None, stride, groups=len(depthwise))
    return F.conv2d(x, weights[f"{name}/pointwise_filter"], weights[f"{name}/bias"])


def _dense_block(x: Tensor, weights: Weights, name: str) -> Tensor:
    """Four convolutions, each of which reads the sum of all before."""
    first = f"{name}/conv0"
    plain = f"{first}/filters" in weights
    total = F.relu(_conv(x, weights, first, 2) if plain else _separable(x, weights, first, 2))
    for i in range(1, 4):
        total = total + _separable(F.relu(total), weights, f"{name}/conv{i}")
    return F.relu(total)


def _reduction(x: Tensor, weights: Weights, name: str, before: Tensor | None = None) -> Tensor:
    """Two convolutions and a pooling beside one convolution of `before` (or x)."""
    y = _separable(x, weights, f"{name}/separable_conv0")
    y = _separable(F.relu(y), weights, f"{name}/separable_conv1")
    y = F.max_pool2d(_same(y, 3, 2, float("-inf")), 3, 2)
    return y + _conv(x if before is None else before, weights, f"{name}/expansion_conv", 2)


def _pooled(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 7, 2).flatten(1)


def _dense(x: Tensor, weights: Weights, name: str) -> Tensor:
    return x @ weights[f"{name}/weights"] + weights[f"{name}/bias"]
