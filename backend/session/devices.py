"""Which device the networks run on."""

from __future__ import annotations

import os

from backend.errors import NoDevice


def choose_device(name: str) -> str:
    """The device that `name` means, as torch calls it; raises NoDevice.

    name: "auto" (CUDA where it is, else the CPU), "cpu", "cuda", "cuda:1"; "mps" (Apple's
    graphics) and "directml" (Windows, with the package torch-directml), which nobody has tried
    yet, are taken only where they are asked for. Imports torch unless the name is "cpu".
    """
    if name == "cpu":
        return name
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "directml":
        return _directml()
    usable = not name.startswith("cuda") or torch.cuda.is_available()
    if name == "mps":
        # What Apple's graphics lacks is then computed on the CPU; torch reads it when first used.
        os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
        usable = torch.backends.mps.is_available()
    if not usable:
        raise NoDevice(f"This computer has no usable GPU for '--device {name}'; use cpu or auto.")
    return name


def _directml() -> str:
    try:
        import torch_directml
    except ImportError:
        raise NoDevice(
            "'--device directml' needs the package torch-directml; install it beside EditGAN, or "
            "use cpu or auto."
        ) from None
    return str(torch_directml.device())


def devices_like(device: str) -> list[str]:
    """All GPUs where "cuda" was chosen, else the one device."""
    if device != "cuda":
        return [device]
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())]
