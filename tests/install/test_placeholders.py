"""Placeholders for CUDA's libraries: what is missing is made, loads, and says there is no card."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from installer import elf, placeholders

MACHINE = {"x86_64": 62, "aarch64": 183}.get(platform.machine(), 0)
on_linux = pytest.mark.skipif(
    sys.platform != "linux" or not MACHINE, reason="Linux on x86-64 or AArch64"
)
FUNCTIONS = {f"cudaCall{n}": "libcudart.so.13" for n in range(40)} | {"ncclInit": None}


def calls(file: Path, *functions: str) -> list[str]:
    """What functions of a library return; in a process of its own, since libraries stay loaded."""
    code = (
        "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); "
        "print(*(getattr(library, name)() for name in sys.argv[2:]))"
    )
    command = [sys.executable, "-c", code, str(file), *functions]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@on_linux
def test_a_stub_loads_and_all_it_says_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "libcudart.so.13"
    file.write_bytes(elf.stub(file.name, FUNCTIONS, MACHINE))
    assert calls(file, *FUNCTIONS) == ["100"] * len(FUNCTIONS)
    with pytest.raises(subprocess.CalledProcessError):
        calls(file, "cudaCall40")


@on_linux
def test_no_stack_becomes_executable(tmp_path: Path) -> None:
    """What glibc 2.41 refuses to load, and older ones grant without a word."""
    file = tmp_path / "libcudart.so.13"
    file.write_bytes(elf.stub(file.name, FUNCTIONS, MACHINE))
    code = (
        "import ctypes, pathlib, sys; ctypes.CDLL(sys.argv[1]); "
        "print(pathlib.Path('/proc/self/maps').read_text())"
    )
    command = [sys.executable, "-c", code, str(file)]
    maps = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (stack,) = [line.split()[1] for line in maps.splitlines() if line.endswith("[stack]")]
    assert stack == "rw-p"
    mine = [line.split()[1] for line in maps.splitlines() if line.endswith(file.name)]
    assert not [mode for mode in mine if "w" in mode and "x" in mode]


@pytest.mark.parametrize("machine", [62, 183])
def test_what_is_written_is_read_back(tmp_path: Path, machine: int) -> None:
    file = tmp_path / "libcudart.so.13"
    file.write_bytes(elf.stub(file.name, FUNCTIONS, machine))
    library = elf.SharedLibrary(file)
    assert (library.machine, library.needed, list(library.undefined())) == (machine, [], [])


@on_linux
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc makes the library that is read")
def test_what_a_library_asks_for_is_read_and_made(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    real = tmp_path / "real.c"
    real.write_text("int cudaGet(void) { return 0; } int curandMake(void) { return 0; }")
    versions = tmp_path / "versions"
    versions.write_text("V13 { global: cudaGet; local: *; };")
    user = tmp_path / "user.c"
    user.write_text(
        "int cudaGet(void); int curandMake(void);int ask(void) { return cudaGet() + curandMake(); }"
    )
    gcc = ["gcc", "-shared", "-fPIC"]
    name = "libcudart.so.13"
    script = f"-Wl,-soname,{name},--version-script,{versions}"
    subprocess.run([*gcc, script, real, "-o", tmp_path / name], check=True)
    other = "libcurand.so.10"
    subprocess.run([*gcc, f"-Wl,-soname,{other}", real, "-o", tmp_path / other], check=True)
    rpath = ["-Wl,--disable-new-dtags,-rpath,$ORIGIN", "-Wl,-z,now", "-Wl,--no-as-needed"]
    libraries = [tmp_path / name, tmp_path / other]
    using = folder / "libuser.so"
    subprocess.run([*gcc, *rpath, user, *libraries, "-o", using], check=True)

    found = {symbol.name: symbol for symbol in elf.SharedLibrary(using).undefined()}
    assert found["cudaGet"] == elf.Undefined("cudaGet", name, "V13")
    assert found["curandMake"].version is None
    assert set(placeholders.make(folder)) == {name, other}
    assert calls(using, "ask") == ["200"]

    placeholders.remove(folder)
    assert [file.name for file in folder.iterdir()] == ["libuser.so"]


def test_anything_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "libtorch.so"
    file.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match=r"libtorch\.so is no"):
        elf.SharedLibrary(file)


def test_removing_what_is_not_there(tmp_path: Path) -> None:
    placeholders.remove(tmp_path / "torch/lib")
