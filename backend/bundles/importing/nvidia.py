"""Pickles of NVIDIA's stylegan2-ada-pytorch, and of StyleGAN2 trained with stylegan3.

A dict of networks, each pickled together with its source code. The names and attributes of the
generator `G_ema` are read; the code is not.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from backend.bundles.importing.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    State,
    block_of,
    check_filter,
    make_checkpoint,
)
from backend.bundles.importing.unpickler import Record, read_pickle

_DEEPEST = 8  # modules inside modules
_LONGEST_NAME = 200  # characters


def read(path: Path) -> Checkpoint:
    """The averaged generator of a pickle; raises BadCheckpoint."""
    content = read_pickle(path)
    if not isinstance(content, Mapping) or not isinstance(content.get("G_ema"), Record):
        raise BadCheckpoint(f"It is {_describe(content)}, not a StyleGAN2 checkpoint with 'G_ema'.")
    modules = dict(_modules(content["G_ema"]))
    _check_kind(modules)
    for name, module in modules.items():
        _check_attributes(name, module)
    tensors = {name: value for path, one in modules.items() for name, value in _tensors(path, one)}
    clamps = [one.state["conv_clamp"] for one in modules.values() if "conv_clamp" in one.state]
    clamp = clamps[0] if clamps else None
    if not (clamp is None or (type(clamp) in (int, float) and 0 < clamp < 1e9)):
        raise BadCheckpoint("Its layers are clamped at something that is not a number.")
    if any(type(other) is not type(clamp) or other != clamp for other in clamps):
        raise BadCheckpoint("Its layers are clamped at different values.")
    return make_checkpoint(_renamed(tensors), "NVIDIA StyleGAN2 pickle", conv_clamp=clamp)


def _modules(record: Record, path: str = "", depth: int = 0) -> Iterator[tuple[str, Record]]:
    """A module and all inside it, by path ("synthesis.b8.conv0")."""
    if depth > _DEEPEST:
        raise BadCheckpoint("Its modules are nested too deeply.")
    yield path, record
    for name, child in _dict(record, "_modules").items():
        _check_name(name)
        if not isinstance(child, Record):
            raise BadCheckpoint(f"Its module {path}.{name} is not one of StyleGAN2's.")
        yield from _modules(child, f"{path}.{name}".lstrip("."), depth + 1)


def _tensors(path: str, record: Record) -> Iterator[tuple[str, Tensor]]:
    for kind in ("_parameters", "_buffers"):
        for name, value in _dict(record, kind).items():
            _check_name(name)
            if isinstance(value, Tensor):
                yield f"{path}.{name}".lstrip("."), value
            elif value is not None:
                raise BadCheckpoint(f"Its tensor {path}.{name} is {_describe(value)}.")


def _check_name(name: object) -> None:
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        raise BadCheckpoint("It has a module or tensor whose name cannot be used.")


def _dict(record: Record, kind: str) -> Mapping[str, Any]:
    found = record.state.get(kind) or {}
    if not isinstance(found, Mapping):
        raise BadCheckpoint(f"Its module {record.class_name} is damaged.")
    return found


def _check_kind(modules: Mapping[str, Record]) -> None:
    if classes := modules[""].state.get("c_dim"):
        raise BadCheckpoint(
            f"It is conditional ({_shown(classes)} classes); only unconditional generators can be "
            "imported."
        )
    if "synthesis.input" in modules:
        raise BadCheckpoint("It is an alias-free StyleGAN3 generator; only StyleGAN2's are read.")


def _check_attributes(path: str, module: Record) -> None:
    """Refuse a layer that computes something else than ours does."""
    wanted: dict[str, object] = {}
    if re.fullmatch(r"mapping\.fc\d+", path):
        wanted = {"activation": "lrelu", "bias_gain": 0.01}
    elif re.fullmatch(r"synthesis\.b\d+\.conv\d", path):
        wanted = {"activation": "lrelu", "use_noise": True}
    elif re.fullmatch(r"synthesis\.b\d+", path):
        wanted = {"architecture": "skip"}
    for name, value in wanted.items():
        found = module.state.get(name, value)
        if type(found) not in (str, bool, int, float) or found != value:
            said = f"{name} {_shown(found)}; only {value!r} is read"
            raise BadCheckpoint(f"Its layer {path} has {said}.")


def _renamed(tensors: Mapping[str, Tensor]) -> State:
    """The tensors under our names, without the filters, which must be the usual ones."""
    state: State = {}
    for name, value in tensors.items():
        if name.endswith("resample_filter"):
            check_filter(name, value)
            continue
        state[_our_name(name)] = value
    return state


def _our_name(name: str) -> str:
    if found := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
        return f"mapping.layers.{found[1]}.{found[2]}"
    if found := re.fullmatch(r"synthesis\.b(\d{1,5})\.(.+)", name):
        return f"blocks.{block_of(int(found[1]))}.{found[2].replace('torgb.', 'to_rgb.')}"
    return "w_avg" if name == "mapping.w_avg" else name


def _shown(value: object) -> str:
    """A plain value as it is, the kind of any other: a hostile one may take for ever to print."""
    plain = isinstance(value, bool | int | float | str)
    return repr(value)[:60] if plain else _describe(value)


def _describe(content: object) -> str:
    if isinstance(content, Record):
        return f"one network ({content.class_name})"
    if isinstance(content, Mapping):
        keys = (key if isinstance(key, str) else f"a {type(key).__name__}" for key in content)
        named = ", ".join(key[:30] for key in itertools.islice(keys, 5))
        return f"a dict of {named or 'nothing'}"
    return f"a {type(content).__name__}"
