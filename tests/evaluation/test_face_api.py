"""face-api's networks: their files are read, and TensorFlow's padding is met."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import BadImage
from backend.evaluation.face_api import FaceApi, _same, read_weights


def write(folder: Path, name: str, entries: list[dict], data: bytes) -> None:
    manifest = [{"weights": entries, "paths": [f"{name}.bin"]}]
    (folder / f"{name}-weights_manifest.json").write_text(json.dumps(manifest))
    (folder / f"{name}.bin").write_bytes(data)


def test_quantised_arrays_are_read_in_torch_s_order(tmp_path: Path) -> None:
    packed = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
    entries = [
        {"name": "a/filters", "shape": [1, 2, 1, 3], "dtype": "float32", "quantization": packed},
        {"name": "a/bias", "shape": [2], "dtype": "float32"},
        {"name": "b/depthwise_filter", "shape": [1, 1, 4, 1], "dtype": "float32"},
    ]
    data = bytes(range(6)) + np.array([1, 2, 3, 4, 5, 6], np.float32).tobytes()
    write(tmp_path, "net", entries, data)
    found = read_weights(tmp_path, "net")
    assert found["a/filters"].shape == (3, 1, 1, 2)  # outputs, inputs, height, width
    assert found["a/filters"][1, 0, 0].tolist() == [-0.5, 1.0]
    assert found["a/bias"].tolist() == [1, 2]
    assert found["b/depthwise_filter"].shape == (4, 1, 1, 1)


def test_the_odd_pixel_of_padding_comes_last() -> None:
    assert _same(torch.ones(1, 1, 4, 4), 3, 2)[0, 0, 0].tolist() == [1, 1, 1, 1, 0]
    assert _same(torch.ones(1, 1, 4, 4), 3, 1)[0, 0, 1].tolist() == [0, 1, 1, 1, 1, 0]
    assert _same(torch.ones(1, 1, 4, 4), 1, 2).shape[-1] == 4


@pytest.mark.parametrize("data", [None, b"", b"\0" * 3])
def test_another_folder_is_refused(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        entry = {"name": "a/bias", "shape": [2], "dtype": "float32"}
        write(tmp_path, "face_expression_model", [entry], data)
    with pytest.raises(BadImage, match="face-api"):
        FaceApi(tmp_path)
