"""Files that torch.save wrote, in either of its layouts, and safetensors."""

from __future__ import annotations

import argparse
import pickle
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from backend.bundles.importing.checkpoint import BadCheckpoint
from backend.bundles.importing.foreign import refuse_name
from backend.bundles.importing.stand_ins import STAND_INS
from backend.bundles.importing.torch_file import check_torch_file

# What a training run keeps beside its weights, and networks pickled with their source code.
_NAMES: list[Any] = [(value, ".".join(name)) for name, value in STAND_INS.items()]


def read_torch(path: Path) -> Any:
    """The file's content, persistent objects as Records; raises BadCheckpoint."""
    with path.open("rb") as file:
        check_torch_file(file)
    try:
        with torch.serialization.safe_globals([argparse.Namespace, *_NAMES]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except BadCheckpoint:
        raise
    except pickle.UnpicklingError as error:
        if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise refuse_name(found[1]) from error
        raise BadCheckpoint("It is damaged; get the file again.") from error
    except Exception as error:  # torch raises many kinds for damaged files
        raise BadCheckpoint("It ends too early or is damaged; get the file again.") from error


def read_safetensors(path: Path) -> Any:
    """Tensors by name; raises BadCheckpoint."""
    try:
        return load_file(path)
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise BadCheckpoint("It ends too early or is damaged; get the file again.") from error
