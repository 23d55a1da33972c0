"""Which precision a device is fast in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def fast_bfloat16(device: str = "cpu") -> bool:
    """Whether the device multiplies in bfloat16. A processor that does not imitates it, ten times
    as slowly as float32."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported()
    can = torch.cpu.get_capabilities()
    return any(can.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def use_fast_matrices(device: str | torch.device) -> None:
    """Let a GPU multiply float32 matrices in TF32, as it does in convolutions anyway."""
    if torch.device(device).type == "cuda":
        torch.set_float32_matmul_precision("high")


@contextmanager
def products_in(precision: str) -> Iterator[None]:
    """Multiply float32 matrices on a GPU with "highest" precision, or in TF32, "high"."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def channels_last(network: Network) -> Network:
    """A network whose convolutions run on channels-last memory; torch's stubs lack the argument."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
