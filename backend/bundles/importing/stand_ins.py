"""What stands for the objects of other programs while a pickle is read: they keep what they are
given and do nothing else.

Functions and bound methods are called with a file's arguments; classes are made, then given their
state. None of the classes has attributes that a file could change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.bundles.importing.checkpoint import BadCheckpoint

_LONGEST_NAME = 100  # characters of a class


@dataclass(frozen=True, slots=True)
class PickledObject:
    """An object that was pickled with its source code, which is ignored: class name and state."""

    class_name: str
    state: Mapping[str, Any]


class TensorFlowNetwork:
    """A network of NVIDIA's TensorFlow programs: its variables and how it was built."""

    __slots__ = ("state",)
    state: Mapping[str, Any]

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.state = dict(state)


class DType:
    """numpy's name of a type of numbers, such as "f4", with its byte order."""

    __slots__ = ("code",)

    def __init__(self, code: str, *_: object) -> None:
        self.code = str(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.code = state[1] + self.code

    def read(self) -> np.dtype[Any]:
        """Raises BadCheckpoint for anything but plain numbers."""
        if not re.fullmatch(r"[<>|]?[biuf][1248]", self.code):
            raise BadCheckpoint(f"It holds an array of {self.code[:20]!r} instead of numbers.")
        return np.dtype(self.code)


class Array:
    """A numpy array."""

    __slots__ = ("value",)
    value: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        self.value = array(data, dtype, shape, "F" if fortran else "C")


def array(
    data: bytes | bytearray, dtype: DType, shape: tuple[int, ...], order: str = "C"
) -> NDArray[Any]:
    """numpy's array from its bytes; raises BadCheckpoint where they do not fit."""
    if not isinstance(dtype, DType) or not isinstance(data, bytes | bytearray):
        raise BadCheckpoint("It holds an array that does not consist of numbers.")
    numbers = np.frombuffer(data, dtype.read())
    whole = all(type(side) is int and side >= 0 for side in shape)
    if not whole or math.prod(shape) != numbers.size:
        raise BadCheckpoint("It holds an array whose shape and data do not agree.")
    return numbers.reshape(shape, order="F" if order == "F" else "C")


def _empty_array(*_: object) -> Array:
    return Array()


def _from_buffer(data: bytes, dtype: DType, shape: tuple[int, ...], order: str) -> Array:
    made = Array()
    made.value = array(data, dtype, shape, order)
    return made


def _scalar(dtype: DType, data: bytes = b"") -> float | int:
    value: float | int = array(data, dtype, ()).item()
    return value


def _record(meta: Mapping[str, Any]) -> PickledObject:
    # meta["module_src"] is source code that the original loader would run
    name, state = meta["class_name"], meta["state"]
    if not isinstance(name, str) or not isinstance(state, Mapping):
        raise BadCheckpoint("It holds a network without a name or a state.")
    return PickledObject(name[:_LONGEST_NAME], dict(state))


def _bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise BadCheckpoint(f"It holds text in {encoding[:20]!r}, which no checkpoint needs.")
    return text.encode("latin1")


STAND_INS: dict[tuple[str, str], Any] = {
    ("dnnlib.util", "EasyDict"): dict,
    ("dnnlib.tflib.network", "Network"): TensorFlowNetwork,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): _record,
    ("numpy", "dtype"): DType,
    ("numpy", "ndarray"): Array,
}
for _package in ("numpy.core", "numpy._core"):
    STAND_INS |= {
        (f"{_package}.multiarray", "scalar"): _scalar,
        (f"{_package}.multiarray", "_reconstruct"): _empty_array,
        (f"{_package}.numeric", "_frombuffer"): _from_buffer,
    }
BYTES = {("_codecs", "encode"): _bytes}  # torch has its own
