"""An unpickler that executes nothing: a short list of names is read, everything else refused.

A pickle is a program. What it may call here are the functions of `_SafeUnpickler`, which only keep
what they are given; plain containers; and torch's own loader for storages, limited to weights.
Bound methods, not classes, stand for the names, so that a file cannot change their attributes.
"""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from backend.bundles.importing.checkpoint import BadCheckpoint
from backend.bundles.importing.pickle_bounds import check_pickle
from backend.bundles.importing.torch_file import check_torch_file

_LONGEST_NAME = 100  # characters of a class
_MOST_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Record:
    """An object that was pickled with its source code, which is ignored: class name and state."""

    class_name: str
    state: Mapping[str, Any]


class Unread:
    """Stands for values that no generator needs, numpy's for example."""

    def __setstate__(self, state: object) -> None:
        """Take nothing over."""


def read_pickle(path: Path) -> Any:
    """The file's content, persistent objects as Records; raises BadCheckpoint."""
    try:
        with path.open("rb") as file:
            check_pickle(file)
            file.seek(0)
            return _SafeUnpickler(file).load()
    except BadCheckpoint:
        raise
    except (EOFError, MemoryError) as error:
        raise BadCheckpoint("It ends too early or is damaged; get the file again.") from error
    except Exception as error:  # a hostile pickle can make any error happen
        if isinstance(error, pickle.UnpicklingError) and "truncated" in str(error):
            raise BadCheckpoint("It ends too early; get the file again.") from error
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise BadCheckpoint(f"It cannot be read as a checkpoint ({reason}).") from error


class _SafeUnpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._names: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("builtins", "set"): set,
            ("__builtin__", "set"): set,
            ("dnnlib.util", "EasyDict"): dict,
            ("torch", "Size"): tuple,
            ("torch", "device"): self._unread,
            ("torch_utils.persistence", "_reconstruct_persistent_obj"): self._record,
            ("torch.storage", "_load_from_bytes"): self._storage,
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch._utils", "_rebuild_parameter"): self._parameter,
            ("numpy", "dtype"): self._unread,
            ("numpy", "ndarray"): self._unread,
        }
        for package in ("numpy.core", "numpy._core"):
            for name in ("scalar", "_reconstruct"):
                self._names[f"{package}.multiarray", name] = self._unread

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in self._names:
            return self._names[module, name]
        if module.startswith("dnnlib.tflib"):
            raise BadCheckpoint(
                "It is a TensorFlow checkpoint. If it is StyleGAN2's, get NVIDIA's stylegan3 "
                "repository, run 'python legacy.py --source=OLD.pkl --dest=NEW.pkl' there (which "
                "runs what is in the file, so trust where it is from), and import NEW.pkl."
            )
        raise BadCheckpoint(
            f"It wants to run '{module}.{name}', which no StyleGAN2 checkpoint needs; nothing in "
            "the file was executed."
        )

    def persistent_load(self, pid: Any) -> Any:
        raise BadCheckpoint("It refers to data outside the file, which no StyleGAN2 pickle does.")

    def _record(self, meta: Mapping[str, Any]) -> Record:
        # meta["module_src"] is source code that the original loader would run
        name, state = meta["class_name"], meta["state"]
        if not isinstance(name, str) or not isinstance(state, Mapping):
            raise BadCheckpoint("It holds a network without a name or a state.")
        return Record(name[:_LONGEST_NAME], dict(state))

    def _unread(self, *_arguments: object) -> Unread:
        return Unread()

    def _storage(self, data: bytes) -> Tensor:
        """A storage as a flat tensor."""
        file = io.BytesIO(data)
        check_torch_file(file)
        loaded = torch.load(file, map_location="cpu", weights_only=True)
        return torch.tensor([], dtype=loaded.dtype).set_(loaded)

    def _tensor(
        self,
        storage: Tensor,
        offset: int,
        size: tuple[int, ...],
        stride: tuple[int, ...],
        *_: object,
    ) -> Tensor:
        numbers = (offset, *size, *stride)
        if not all(type(number) is int and 0 <= number < 1 << 48 for number in numbers):
            raise BadCheckpoint("It holds a tensor whose shape is not made of whole numbers.")
        if len(size) > _MOST_DIMENSIONS or len(size) != len(stride):
            raise BadCheckpoint("It holds a tensor of an impossible shape.")
        # as_strided checks the bounds, but repeats for stride 0
        if math.prod(size) > storage.numel():
            raise BadCheckpoint("It holds a tensor that is larger than its data.")
        return storage.as_strided(tuple(size), tuple(stride), offset)

    def _parameter(self, data: Tensor, *_: object) -> Tensor:
        return data
