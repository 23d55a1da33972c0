"""Which precision a device is fast in."""

import pytest
import torch

from backend.models.runtime.precision import fast_bfloat16


@pytest.mark.parametrize(
    ("can", "expected"),
    [({"avx2": True, "avx512_bf16": False}, False), ({"avx512_bf16": True}, True), ({}, False)],
)
def test_bfloat16_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, can: dict[str, bool], expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    assert fast_bfloat16() is expected
