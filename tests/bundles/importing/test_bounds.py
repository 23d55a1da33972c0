"""Small files that ask for much memory, time or depth: refused in a sentence."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from checkpoint_files import write_nvidia, write_rosinality
from stylegan_reference import Generator as Original
from stylegan_reference import rosinality_state
from torch import nn

from backend.bundles.importing import BadCheckpoint, read_checkpoint
from backend.bundles.importing.pickle_bounds import check_pickle
from backend.bundles.importing.read import read_here

_RECORD = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"


def doubled(times: int) -> bytes:
    """Instructions that make a tuple of two, of two ..., of which each is one object."""
    return b"K\x01" + b"2\x86" * times


def sized(times: int) -> bytes:
    """The same by calls of `torch.Size` with lists."""
    both = [b"ctorch\nSize\n](" + 2 * (b"h" + bytes([n])) + b"e\x85R\x94" for n in range(times)]
    return b"K\x01\x94" + b"0".join([b"", *both])


def as_key(value: bytes) -> bytes:
    return b"\x80\x04}" + value + b"K\x01s."


def as_state(name: bytes, value: bytes) -> bytes:
    """A generator whose class name is `name`, and which has conv_clamp `value`."""
    state = b"}" + b"\x8c\x0aconv_clamp" + value + b"s"
    meta = b"}(\x8c\x0aclass_name" + name + b"\x8c\x05state" + state + b"u"
    return b"\x80\x04}\x8c\x05G_ema" + _RECORD + meta + b"\x85Rs."


HOSTILE = {
    "a key of shared tuples": as_key(doubled(40)),
    "a set of shared tuples": b"\x80\x04\x8f(" + doubled(40) + b"\x90.",
    "a frozen set of shared tuples": b"\x80\x04(" + doubled(40) + b"\x91.",
    "dict() of shared tuples": b"\x80\x04cdnnlib.util\nEasyDict\n](" + doubled(60) + b"e\x85R.",
    "a key of called tuples": as_key(sized(40)),
    "deep tuples": as_key(b")" + b"\x85" * 200_000),
    "deep lists": b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b".",
    "a class name of shared tuples": as_state(doubled(40), b"N"),
    "a clamp of shared tuples": as_state(b"\x8c\x01X", doubled(40)),
    "a huge memo": b"\x80\x04]r\xff\xff\xff\x7f.",
    "a long number": b"\x80\x04\x8b" + (1 << 20).to_bytes(4, "little") + b"\x7f" * (1 << 20) + b".",
    "an extension": b"\x80\x04\x82\x01.",
    "an empty stack": b"\x80\x04\x86.",
    "a memory that is not there": b"\x80\x04h\x07.",
    "a mark where a value should be": b"\x80\x04((\x86.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_pickles_that_ask_for_much(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.pkl").write_bytes(HOSTILE[name])
    with pytest.raises(BadCheckpoint):
        read_here(tmp_path / "a.pkl")


@pytest.mark.parametrize("name", ["a key of shared tuples", "deep tuples", "a huge memo"])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_the_same_inside_pt_files(tmp_path: Path, name: str, legacy: bool) -> None:
    path = tmp_path / "a.pt"
    if legacy:
        torch.save({}, path, _use_new_zipfile_serialization=False)
        start = path.read_bytes()
        file = io.BytesIO(start)
        for _ in range(3):  # magic number, version, machine
            pickle.load(file)
        path.write_bytes(start[: file.tell()] + HOSTILE[name] + pickle.dumps([], 2))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", HOSTILE[name])
            archive.writestr("archive/version", "3\n")
    with pytest.raises(BadCheckpoint):
        read_here(path)


@pytest.mark.parametrize("size", [([0], 10**10), (True, 1), ("a", 3), (-1, 1), (1 << 60, 1)])
def test_shapes_that_are_no_numbers(tmp_path: Path, size: tuple[object, ...]) -> None:
    storage = torch.storage.TypedStorage(
        wrap_storage=torch.zeros(4).untyped_storage(), dtype=torch.float32, _internal=True
    )

    class Tensor:
        def __reduce__(self) -> tuple[object, ...]:
            return torch._utils._rebuild_tensor_v2, (storage, 0, size, (1, 1), False, {})

    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"G_ema": Tensor()}))
    with pytest.raises(BadCheckpoint, match="shape"):
        read_here(tmp_path / "a.pkl")


def test_tensors_that_repeat_one_number(tmp_path: Path) -> None:
    state = rosinality_state(Original())
    state["convs.0.conv.weight"] = torch.zeros(1).expand(state["convs.0.conv.weight"].shape)
    torch.save({"g_ema": state}, tmp_path / "a.pt")
    with pytest.raises(BadCheckpoint, match=r"conv0.weight is larger than its data"):
        read_here(tmp_path / "a.pt")


def test_packed_archives(tmp_path: Path) -> None:
    write_rosinality(tmp_path / "a.pt", Original())
    with (
        zipfile.ZipFile(tmp_path / "a.pt") as old,
        zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(BadCheckpoint, match="packed"):
        read_here(tmp_path / "b.pt")


def test_things_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.pkl")
    with pytest.raises(BadCheckpoint, match="not a file"):
        read_here(tmp_path / "fifo.pkl")
    with pytest.raises(BadCheckpoint, match="not a file"):
        read_here(Path("/dev/zero"))


def test_sound_pickles_pass() -> None:
    module = nn.Sequential(*(nn.Linear(3, 3) for _ in range(50)))
    for protocol in (2, 3, 4, 5):
        file = io.BytesIO(pickle.dumps(module.state_dict(), protocol) + b"rest")
        check_pickle(file)
        assert file.read() == b"rest"


@pytest.mark.parametrize("write", [write_nvidia, write_rosinality])
def test_the_child_hands_back_the_same(tmp_path: Path, write: object) -> None:
    write(tmp_path / "ä .pkl", Original(w_dim=12))
    here, there = read_here(tmp_path / "ä .pkl"), read_checkpoint(tmp_path / "ä .pkl")
    assert (there.config, there.origin, there.notes) == (here.config, here.origin, here.notes)
    assert there.state.keys() == here.state.keys()
    assert all(torch.equal(there.state[name], here.state[name]) for name in here.state)


def test_the_child_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="No such file"):
        read_checkpoint(tmp_path / "none.pkl")


def test_a_child_that_fails_is_told_in_a_sentence(tmp_path: Path) -> None:
    """400 GB are claimed by a storage in the old layout, which torch takes before it reads."""
    torch.save({"g_ema": torch.zeros(9)}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    content = (tmp_path / "a.pt").read_bytes()
    claim = b"K\x09"  # the number of elements, in the storage's name
    assert content.count(claim) == 2
    huge = b"\x8a\x05" + (10**11).to_bytes(5, "little")
    (tmp_path / "b.pt").write_bytes(content.replace(claim, huge, 1))
    with pytest.raises(BadCheckpoint, match=r"b\.pt cannot be imported") as caught:
        read_checkpoint(tmp_path / "b.pt")
    assert "\n" not in caught.value.message
