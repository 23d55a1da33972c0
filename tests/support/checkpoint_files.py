"""Checkpoint files in their original byte formats, written as the original programs write them."""

from __future__ import annotations

import argparse
import copy
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stylegan_reference
import torch
from stylegan_reference import Generator, rosinality_state
from torch import nn

# What the original loader executes: here it would leave a file behind for a test to find.
BOOBY_TRAP = "open({path!r}, 'w').write('executed')"


@contextmanager
def nvidia_modules() -> Iterator[types.ModuleType]:
    """`torch_utils.persistence` and `dnnlib.util`, for as long as a pickle is written."""
    persistence = types.ModuleType("torch_utils.persistence")
    util = types.ModuleType("dnnlib.util")

    def reconstruct(meta: Any) -> None:
        raise AssertionError("executed")

    class EasyDict(dict):
        pass

    for function, name, module in (
        (reconstruct, "_reconstruct_persistent_obj", persistence),
        (EasyDict, "EasyDict", util),
    ):
        function.__module__, function.__qualname__ = module.__name__, name
        setattr(module, name, function)
    packages = {
        "torch_utils": types.ModuleType("torch_utils"),
        "dnnlib": types.ModuleType("dnnlib"),
    }
    packages |= {"torch_utils.persistence": persistence, "dnnlib.util": util}
    sys.modules.update(packages)
    try:
        yield persistence
    finally:
        for name in packages:
            del sys.modules[name]


class _Pickler(pickle.Pickler):
    """Pickles the reference's modules as the `persistent_class` decorator has them pickled."""

    def __init__(self, file: Any, source: str, protocol: int) -> None:
        super().__init__(file, protocol)
        self._source = source

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, nn.Module):
            meta = {
                "type": "class",
                "version": 6,
                "module_src": self._source,
                "class_name": type(obj).__name__,
                "state": obj.__dict__,
            }
            reconstruct = sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj
            return reconstruct, (meta,)
        return NotImplemented


def persistent_pickler() -> types.ModuleType:
    """A pickle module for torch.save that pickles networks together with their source code."""
    module = types.ModuleType("pickle_with_source")
    module.__dict__.update(vars(pickle))
    source = Path(stylegan_reference.__file__).read_text(encoding="utf-8")

    class Pickler(_Pickler):
        def __init__(self, file: Any, protocol: int = 2) -> None:
            super().__init__(file, source, protocol)

    module.Pickler = Pickler  # type: ignore[attr-defined]
    return module


def write_nvidia(
    path: Path,
    generator: Generator,
    *,
    protocol: int = 4,
    trap: Path | None = None,
    change: Callable[[Generator], None] | None = None,
) -> None:
    """A training snapshot: G, D, G_ema, the options. `trap`: a file that the pickled source code
    makes if it is executed."""
    source = Path(stylegan_reference.__file__).read_text(encoding="utf-8")
    if trap:
        source += "\n" + BOOBY_TRAP.format(path=str(trap))
    averaged = copy.deepcopy(generator).eval().requires_grad_(False)
    if change:
        change(averaged)
    with nvidia_modules(), path.open("wb") as file:
        easy = sys.modules["dnnlib.util"].EasyDict
        content = {
            "G": Generator(),
            "D": nn.Module(),
            "G_ema": averaged,
            "augment_pipe": None,
            "training_set_kwargs": easy(path="data.zip", resolution=16, use_labels=False),
        }
        _Pickler(file, source, protocol).dump(content)


def write_rosinality(
    path: Path, generator: Generator, *, legacy: bool = False, finished: bool = True
) -> None:
    """finished: with the mean of w, as its converter writes it; else as its training does."""
    content: dict[str, Any] = {"g_ema": rosinality_state(generator)}
    if finished:
        content["latent_avg"] = generator.mapping.w_avg
    else:
        content |= {"args": argparse.Namespace(size=16, lr=0.002), "ada_aug_p": 0.3, "g_optim": {}}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
