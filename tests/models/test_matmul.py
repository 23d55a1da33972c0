"""Products by another routine have the same numbers."""

import pytest
import torch
import torch.nn.functional as F

from backend.models.runtime.matmul import matmul


@pytest.mark.parametrize("count", [1, 7, 500])  # the last is enough for a convolution
@pytest.mark.parametrize("threads", [1, 2])
def test_it_is_a_linear_layer(count: int, threads: int) -> None:
    torch.manual_seed(0)
    rows, weight, bias = torch.randn(count, 64), torch.randn(24, 64), torch.randn(24)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for offset in (None, bias):
            found = matmul(rows, weight, offset)
            torch.testing.assert_close(found, F.linear(rows, weight, offset))
            assert found.is_contiguous()
    finally:
        torch.set_num_threads(before)


def test_columns_of_a_wider_matrix_will_do() -> None:
    torch.manual_seed(0)
    wide, weight = torch.randn(600, 3 * 64), torch.randn(2 * 64, 24)
    rows, some = wide[:, 64:128], weight[64:].t()  # neither lies in one piece
    torch.testing.assert_close(matmul(rows, some), rows @ some.t())


def test_half_precision_stays_what_it_is() -> None:
    rows, weight = torch.randn(500, 64).bfloat16(), torch.randn(24, 64).bfloat16()
    assert matmul(rows, weight).dtype == torch.bfloat16
