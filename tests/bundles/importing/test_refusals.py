"""Hostile, damaged and foreign files: refused by name, and nothing in them is executed."""

from __future__ import annotations

import collections
import io
import os
import pickle
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_files import nvidia_modules, write_nvidia, write_rosinality
from importing_checks import refusal
from stylegan_reference import Generator as Original
from torch import nn

from backend.bundles.importing.read import read_here


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


def write_pickle(path: Path, content: Any) -> None:
    path.write_bytes(pickle.dumps(content))


# --- hostile ------------------------------------------------------------------------------------


def test_the_source_code_inside_is_not_executed(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    write_nvidia(tmp_path / "a.pkl", Original(), trap=trap)
    read_here(tmp_path / "a.pkl")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "posix.system"),
        (eval, "builtins.eval"),
        (getattr, "builtins.getattr"),
        (__import__, "builtins.__import__"),
        (torch.load, "torch.serialization.load"),
        (torch.hub.load, "torch.hub.load"),
    ],
)
def test_calls_are_refused_by_name(tmp_path: Path, function: Callable, name: str) -> None:
    trap = tmp_path / "trap"
    write_pickle(tmp_path / "a.pkl", {"G_ema": Call(function, f"touch {trap}")})
    assert f"'{name}'" in refusal(tmp_path / "a.pkl")
    assert not trap.exists()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_calls_in_pt_files_are_refused_by_name(tmp_path: Path, legacy: bool) -> None:
    trap = tmp_path / "trap"
    content = {"g_ema": Call(os.system, f"touch {trap}")}
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=not legacy)
    assert "'posix.system'" in refusal(tmp_path / "a.pt")
    assert not trap.exists()


def test_a_hostile_storage_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    inside = io.BytesIO()
    torch.save(Call(os.system, f"touch {trap}"), inside, _use_new_zipfile_serialization=False)
    storage = Call(torch.storage._load_from_bytes, inside.getvalue())
    write_pickle(tmp_path / "a.pkl", {"G_ema": storage})
    refusal(tmp_path / "a.pkl")
    assert not trap.exists()


def test_attributes_of_what_is_allowed_cannot_be_changed(tmp_path: Path) -> None:
    """The BUILD instruction sets attributes of whatever was looked up before."""
    order = b"\x80\x04ccollections\nOrderedDict\nN}X\x04\x00\x00\x00evilK\x01s\x86b."
    (tmp_path / "a.pkl").write_bytes(order)
    refusal(tmp_path / "a.pkl")
    assert not hasattr(collections.OrderedDict, "evil")


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((2, 2), (0, 0), 0),
        ((2,), (1,), 0),
        ((1,), (1,), 5),
        ((1 << 40,), (0,), 0),
        ((-1,), (1,), 0),
    ],
)
def test_tensors_larger_than_their_data_are_refused(
    tmp_path: Path, size: tuple[int, ...], stride: tuple[int, ...], offset: int
) -> None:
    storage = torch.zeros(1).untyped_storage()
    typed = torch.storage.TypedStorage(wrap_storage=storage, dtype=torch.float32, _internal=True)
    hooks: Any = collections.OrderedDict()
    call = Call(torch._utils._rebuild_tensor_v2, typed, offset, size, stride, False, hooks)
    write_pickle(tmp_path / "a.pkl", {"G_ema": call})
    refusal(tmp_path / "a.pkl")


def test_a_claim_of_much_memory(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"\x80\x05\x96" + (1 << 60).to_bytes(8, "little") + b"x")
    refusal(tmp_path / "a.pkl")


def test_modules_that_contain_themselves(tmp_path: Path) -> None:
    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    modules, record = b"h\x00", b"h\x01"  # what is remembered under 0 and 1
    state = b"}" + text("_modules") + modules + b"s"
    meta = b"}(" + text("class_name") + text("X") + text("state") + state + b"u"
    call = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n" + meta + b"\x85R\x94"
    knot = modules + text("a") + record + b"s0"
    content = b"\x80\x04}\x940" + call + b"0" + knot + b"}" + text("G_ema") + record + b"s."
    (tmp_path / "a.pkl").write_bytes(content)
    assert "nested too deeply" in refusal(tmp_path / "a.pkl")


# --- damaged ------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.9, 0.9999])
@pytest.mark.parametrize("write", [write_nvidia, write_rosinality])
def test_files_that_end_too_early(tmp_path: Path, write: Callable, share: float) -> None:
    path = tmp_path / "a"
    write(path, Original(z_dim=12))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share) + 1])
    refusal(path)


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    def spoil(generator: Original) -> None:
        generator.synthesis.b8.conv0.weight[0, 0, 0, 0] = float("nan")

    write_nvidia(tmp_path / "a.pkl", Original(), change=spoil)
    assert "blocks.1.conv0.weight holds numbers" in refusal(tmp_path / "a.pkl")


def test_missing_and_additional_tensors(tmp_path: Path) -> None:
    def without(generator: Original) -> None:
        del generator.synthesis.b8.conv0.bias

    def with_more(generator: Original) -> None:
        generator.synthesis.b8.conv0.register_buffer("magnitude_ema", torch.ones([]))

    write_nvidia(tmp_path / "a.pkl", Original(), change=without)
    assert "no tensor blocks.1.conv0.bias" in refusal(tmp_path / "a.pkl")
    write_nvidia(tmp_path / "a.pkl", Original(), change=with_more)
    assert "magnitude_ema" in refusal(tmp_path / "a.pkl")


# --- other generators ---------------------------------------------------------------------------


def change_of(path: str, value: object) -> Callable[[Original], None]:
    """Sets an attribute of a module inside the generator."""

    def change(generator: Original) -> None:
        module, _, name = path.rpartition(".")
        setattr(generator.get_submodule(module), name, value)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (change_of("c_dim", 10), "conditional (10 classes)"),
        (change_of("synthesis.b8.architecture", "resnet"), "architecture 'resnet'"),
        (change_of("synthesis.b8.conv1.activation", "relu"), "activation 'relu'"),
        (change_of("mapping.fc1.bias_gain", 1.0), "bias_gain 1.0"),
        (change_of("synthesis.b8.conv1.use_noise", False), "use_noise False"),
        (change_of("synthesis.b8.conv1.conv_clamp", 9), "clamped"),
        (change_of("synthesis.input", nn.Module()), "StyleGAN3"),
        (change_of("synthesis.b8.conv1.resample_filter", torch.ones(4, 4) / 16), "[1, 3, 3, 1]"),
        (change_of("synthesis.b4.const", nn.Parameter(torch.ones(16, 1, 4))), "has 1 x 4 values"),
        (change_of("synthesis.b12", nn.Linear(1, 1)), "not a power of two"),
    ],
)
def test_generators_that_compute_something_else(
    tmp_path: Path, change: Callable[[Original], None], said: str
) -> None:
    write_nvidia(tmp_path / "a.pkl", Original(), change=change)
    assert said in refusal(tmp_path / "a.pkl")


def test_classes_are_told_from_attacks(tmp_path: Path) -> None:
    """A generator of another kind is refused as what it is."""
    for module, said in (
        ("pg_modules.networks_fastgan", "It is a FastGAN generator"),
        ("model", "the class 'model.Generator', whose code is not in the file"),
    ):
        kind = type("Generator", (), {"__module__": module})
        stub = types.ModuleType(module)
        stub.Generator = kind  # type: ignore[attr-defined]
        parent = module.partition(".")[0]
        sys.modules.update({parent: types.ModuleType(parent), module: stub})
        try:
            write_pickle(tmp_path / "a.pkl", {"G_ema": kind()})
        finally:
            for name in {parent, module}:
                del sys.modules[name]
        assert said in refusal(tmp_path / "a.pkl")


# --- no checkpoints -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no checkpoint"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (b"hello", "no checkpoint"),
        (pickle.dumps([1, 2]), "a list"),
        (pickle.dumps({"G": 1, "weights": 2}), "a dict of G, weights"),
        (pickle.dumps({"G_ema": {}}), "a dict of G_ema"),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.pkl").write_bytes(content)
    assert said in refusal(tmp_path / "a.pkl")


def test_other_archives_and_networks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("holiday.txt", "sun")
    refusal(tmp_path / "a.zip")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "a.pt")
    assert "a dict of weight, bias" in refusal(tmp_path / "a.pt")
    torch.save(torch.ones(3), tmp_path / "a.pt")
    assert "Tensor" in refusal(tmp_path / "a.pt")
    with nvidia_modules():
        call = sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj
        write_pickle(tmp_path / "b.pkl", {"G_ema": Call(call, {"class_name": "X", "state": {}})})
    assert "no StyleGAN2 generator" in refusal(tmp_path / "b.pkl")


def test_folders_and_missing_files(tmp_path: Path) -> None:
    refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "none.pkl")
