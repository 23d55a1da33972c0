"""An unpickler that executes nothing: a short list of names is read, everything else refused.

A pickle is a program. What it may call here are the stand-ins of `stand_ins`, which only keep what
they are given; plain containers; and torch's own loader for storages, limited to weights.
"""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from backend.bundles.importing.checkpoint import BadCheckpoint
from backend.bundles.importing.foreign import refuse_name
from backend.bundles.importing.pickle_bounds import check_pickle
from backend.bundles.importing.stand_ins import BYTES, STAND_INS
from backend.bundles.importing.torch_file import check_torch_file

_MOST_DIMENSIONS = 8


class Unread:
    """Stands for values that no generator needs, a device for example."""

    __slots__ = ()

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
        self._names: dict[tuple[str, str], Any] = (
            STAND_INS
            | BYTES
            | {
                ("collections", "OrderedDict"): OrderedDict,
                ("builtins", "set"): set,
                ("__builtin__", "set"): set,
                ("torch", "Size"): tuple,
                ("torch", "device"): self._unread,
                ("torch.storage", "_load_from_bytes"): self._storage,
                ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
                ("torch._utils", "_rebuild_parameter"): self._parameter,
            }
        )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in self._names:
            return self._names[module, name]
        raise refuse_name(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise BadCheckpoint("It refers to data outside the file, which no StyleGAN2 pickle does.")

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
