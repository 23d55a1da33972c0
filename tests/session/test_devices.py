"""Which device a name means; the parts of torch that are not on this machine are imitated."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from backend.errors import NoDevice
from backend.session.devices import choose_device


def test_the_cpu_needs_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert choose_device("cpu") == "cpu"


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """torch as far as it tells of devices, all of them missing at first."""
    one = SimpleNamespace(is_available=lambda: False)
    made = SimpleNamespace(cuda=one, backends=SimpleNamespace(mps=one))
    monkeypatch.setitem(sys.modules, "torch", made)
    monkeypatch.setitem(sys.modules, "torch_directml", None)
    monkeypatch.delenv("PYTORCH_ENABLE_MPS_FALLBACK", raising=False)
    return made


def test_auto_takes_cuda_where_it_is(torch: SimpleNamespace) -> None:
    assert choose_device("auto") == "cpu"
    torch.cuda = SimpleNamespace(is_available=lambda: True)
    assert choose_device("auto") == "cuda"
    assert choose_device("cuda:1") == "cuda:1"


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps", "directml"])
def test_what_is_missing_is_said(torch: SimpleNamespace, name: str) -> None:
    with pytest.raises(NoDevice, match=name.split(":")[0]):
        choose_device(name)


def test_apple_s_graphics_is_taken_when_asked_for(
    torch: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTORCH_ENABLE_MPS_FALLBACK", "")
    torch.backends.mps = SimpleNamespace(is_available=lambda: True)
    assert choose_device("mps") == "mps"
    assert choose_device("auto") == "cpu", "nobody has tried it"


def test_directml_tells_its_own_name(
    torch: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    imitated = SimpleNamespace(device=lambda: "privateuseone:0")
    monkeypatch.setitem(sys.modules, "torch_directml", imitated)
    assert choose_device("directml") == "privateuseone:0"
