"""Which build of torch a machine gets, and how it changes later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from installer import torch_build
from installer.console import InstallError
from installer.environment import Environment
from installer.record import Record


class Machine:
    """Pip, the package index of PyTorch and a graphics card, imitated; calls: what pip was told."""

    def __init__(self, patch: pytest.MonkeyPatch, home: Path, system: str = "Linux") -> None:
        self.calls: list[list[str]] = []
        self.have: dict[str, str | None] = {"torch": None, "nvidia-cublas": None}
        self.reachable, self.unsound = True, set[str]()
        self.environment = Environment(home, Record(home))
        self.environment.folder.mkdir()
        patch.setattr(Environment, "pip", lambda _, words, title: self.pip(words))
        patch.setattr(Environment, "versions", lambda _, names: dict(self.have))
        patch.setattr(Environment, "complaint", lambda *_: self.complaint())
        patch.setattr(torch_build, "_reachable", lambda _: self.reachable)
        patch.setattr(torch_build.platform, "system", lambda: system)
        patch.setattr(torch_build, "graphics_card", lambda: None)

    def pip(self, words: Sequence[str]) -> None:
        self.calls.append(list(words))
        if words[0] == "uninstall":
            self.have["nvidia-cublas"] = None
        elif words[-1].endswith("torch.txt"):
            self.have["torch"] = "2.11.0"
        elif words[-1].endswith("cuda.txt"):
            self.have["nvidia-cublas"] = "13"
        elif words[-1].startswith("torchvision"):
            self.have["torch"] = words[-2].removeprefix("torch==")

    def complaint(self) -> str | None:
        return "no such operator" if self.have["torch"] in self.unsound else None

    def ensure(self, build: torch_build.Build, index: str | None = None) -> list[str]:
        """The last words of what pip was told for it."""
        self.calls.clear()
        torch_build.ensure(self.environment, build, index)
        return [Path(words[-1]).name for words in self.calls]


@pytest.fixture
def machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch, home)


def test_without_a_card_pytorch_s_cpu_build_is_taken(machine: Machine) -> None:
    assert torch_build.choose(machine.environment, None) == "cpu"
    assert machine.ensure("cpu") == ["torchvision==0.26.0+cpu"]
    assert f"{torch_build.PYTORCH_INDEX}/cpu" in machine.calls[0]
    assert torch_build.installed(machine.environment) == "cpu"
    assert machine.ensure("cpu") == [], "it is there"


@pytest.mark.parametrize("why", ["out of reach", "unsound"])
def test_else_pypi_s_with_placeholders(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(torch_build.placeholders, "make", made.append)
    folder = machine.environment.folder / "lib/python3.11/site-packages/torch/lib"
    folder.mkdir(parents=True)
    machine.reachable = why != "out of reach"
    machine.unsound = {"2.11.0+cpu"}
    assert machine.ensure("cpu")[-1] == "torch.txt"
    assert "--require-hashes" in machine.calls[-1]
    assert made == [folder]
    assert torch_build.installed(machine.environment) == "cpu"


def test_where_nothing_else_runs_cuda_s_libraries_are_taken(machine: Machine) -> None:
    machine.reachable, machine.unsound = False, {"2.11.0"}
    assert machine.ensure("cpu") == ["torch.txt", "cuda.txt"]


def test_a_card_that_comes_later_is_used(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.ensure("cpu")
    monkeypatch.setattr(torch_build, "graphics_card", lambda: "NVIDIA H200")
    assert torch_build.choose(machine.environment, None) == "cuda"
    assert machine.ensure("cuda") == ["torch.txt", "cuda.txt"]
    assert "--force-reinstall" in machine.calls[0], "2.11.0+cpu is another build"


def test_a_card_that_is_away_takes_nothing_with_it(machine: Machine) -> None:
    machine.ensure("cuda")
    assert torch_build.choose(machine.environment, None) == "cuda"
    assert torch_build.choose(machine.environment, "cpu") == "cpu"
    assert machine.ensure("cpu") == ["triton", "torchvision==0.26.0+cpu"]
    assert machine.calls[0][0] == "uninstall"


def test_another_index_is_taken_as_it_is(machine: Machine) -> None:
    assert machine.ensure("cpu", "https://index.test/rocm") == ["torchvision==0.26.0"]
    assert "https://index.test/rocm" in machine.calls[0]
    assert machine.ensure("cpu", "https://index.test/other") == ["torchvision==0.26.0"]
    assert "--force-reinstall" in machine.calls[0]


def test_an_unsound_build_is_said(machine: Machine) -> None:
    machine.unsound = {"2.11.0"}
    with pytest.raises(InstallError, match="no such operator"):
        machine.ensure("cpu", "https://index.test/rocm")
    assert machine.ensure("cpu") == ["torchvision==0.26.0+cpu"], "not taken for done"


@pytest.mark.parametrize(
    ("system", "build", "expected"),
    [
        ("Windows", "cpu", "torch.txt"),
        ("Windows", "cuda", "torchvision==0.26.0+cu130"),
        ("Darwin", "cpu", "torch.txt"),
    ],
)
def test_other_systems(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    build: torch_build.Build,
    expected: str,
) -> None:
    assert Machine(monkeypatch, home, system).ensure(build) == [expected]


def test_no_cuda_on_a_mac(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, home, "Darwin")
    with pytest.raises(InstallError, match="no CUDA on a Mac"):
        torch_build.choose(machine.environment, "cuda")


def test_the_size_is_said_beforehand(capsys: pytest.CaptureFixture[str]) -> None:
    torch_build.announce("cpu")
    small = capsys.readouterr().out
    torch_build.announce("cuda")
    large = capsys.readouterr().out
    assert "GB to download" in small and "min" in small
    assert float(small.split(": ")[1].split(" GB")[0]) < float(large.split(": ")[1].split(" GB")[0])


@pytest.mark.parametrize(
    ("said", "expected"),
    [("GPU 0: NVIDIA H200 (UUID: GPU-1)", "NVIDIA H200"), ("No devices were found", None)],
)
def test_a_card_is_what_the_driver_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, expected: str | None
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    if expected is None and torch_build.Path("/dev/nvidia0").exists():
        pytest.skip("this machine has a card")
    assert torch_build.graphics_card() == expected
