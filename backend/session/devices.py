"""Which device the networks run on."""

from __future__ import annotations

from backend.errors import NoDevice


def choose_device(name: str) -> str:
    """The device that `name` ("auto", "cpu", "cuda", "cuda:1") means; raises NoDevice.

    Imports torch unless the name is "cpu".
    """
    if name == "cpu":
        return name
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise NoDevice(f"This computer has no usable GPU for '--device {name}'; use cpu or auto.")
    return name
