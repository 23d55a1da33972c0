"""A file's content laid out flat: tensors, and what was pickled beside them, by dotted path."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from backend.bundles.importing.checkpoint import BadCheckpoint
from backend.bundles.importing.stand_ins import Array, PickledObject, TensorFlowNetwork

T = TypeVar("T")

_LONGEST_NAME = 200  # characters
_DEEPEST = 12  # dicts and modules inside each other
_KINDS = ("_parameters", "_buffers", "_modules")  # where a pickled torch module keeps its content


@dataclass(frozen=True)
class Contents:
    """tensors: by path, such as "G_ema.mapping.fc0.weight". attributes: other values of pickled
    modules, by the module's path. values: other values of dicts, by path."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def below(self, prefix: str) -> Contents:
        """What lies below a path that ends in a dot, under the rest of the names."""
        start = len(prefix)

        def inside(kind: Mapping[str, T]) -> dict[str, T]:
            return {k[start:]: v for k, v in kind.items() if k.startswith(prefix)}

        attributes = inside(self.attributes)
        if prefix[:-1] in self.attributes:
            attributes[""] = self.attributes[prefix[:-1]]
        return Contents(inside(self.tensors), attributes, inside(self.values))


def flat(content: Any) -> Contents:
    """Lay a file's content out; raises BadCheckpoint for what is nested too deeply."""
    found = Contents()
    _add(found, "", content, 0)
    return found


def _add(found: Contents, path: str, content: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise BadCheckpoint("Its modules are nested too deeply.")
    if isinstance(content, Tensor):
        found.tensors[path] = content
    elif isinstance(content, Array):
        found.tensors[path] = as_tensor(content)
    elif isinstance(content, PickledObject):
        found.attributes[path] = {k: v for k, v in content.state.items() if k not in _KINDS}
        for kind in _KINDS:
            inside = content.state.get(kind) or {}
            if not isinstance(inside, Mapping):
                raise BadCheckpoint(f"Its module {content.class_name} is damaged.")
            _add_all(found, path, inside.items(), depth)
    elif isinstance(content, TensorFlowNetwork):
        found.attributes[path] = {k: v for k, v in content.state.items() if k != "variables"}
        _add_all(found, path, variables(content), depth)
    elif isinstance(content, Mapping):
        _add_all(found, path, content.items(), depth)
    elif isinstance(content, list | tuple):
        _add_all(found, path, enumerate(content), depth)
    elif content is not None:
        found.values[path] = content


def _add_all(found: Contents, path: str, items: Any, depth: int) -> None:
    for name, value in items:
        if isinstance(name, str | int):
            if len(text := str(name)) > _LONGEST_NAME:
                raise BadCheckpoint("It has a module or tensor whose name cannot be used.")
            _add(found, f"{path}.{text}" if path else text, value, depth + 1)


def variables(
    network: TensorFlowNetwork, prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, Array]]:
    """The variables of a network and of its components ("synthesis/4x4/Const/const")."""
    if depth > _DEEPEST:
        raise BadCheckpoint("Its networks are nested too deeply.")
    own, inside = network.state.get("variables") or [], network.state.get("components") or {}
    for name, value in own:
        if isinstance(value, Array | int | float):
            made = value if isinstance(value, Array) else number(value)
            yield f"{prefix}{name}", made
    for name, component in inside.items():
        if not isinstance(component, TensorFlowNetwork):
            raise BadCheckpoint(f"Its component {str(name)[:40]} is not a network.")
        yield from variables(component, f"{prefix}{name}/", depth + 1)


def number(value: float) -> Array:
    """A variable that is one number."""
    made = Array()
    made.value = np.array(value, np.float32)
    return made


def as_tensor(array: Array) -> Tensor:
    """A copy with strides that torch allows."""
    value = np.ascontiguousarray(array.value).reshape(array.value.shape)
    return torch.from_numpy(value.astype(value.dtype.newbyteorder("="), copy=True))


def shown(value: object) -> str:
    """A plain value as it is, the kind of any other: a hostile one may take for ever to print."""
    plain = isinstance(value, bool | int | float | str)
    return repr(value)[:60] if plain else describe(value)


def describe(content: object) -> str:
    """In words, for a refusal."""
    if isinstance(content, PickledObject):
        return f"one network ({content.class_name})"
    if isinstance(content, Mapping):
        keys = (key if isinstance(key, str) else f"a {type(key).__name__}" for key in content)
        named = ", ".join(key[:30] for key in itertools.islice(keys, 5))
        return f"a dict of {named or 'nothing'}"
    return f"a {type(content).__name__}"
