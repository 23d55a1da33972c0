"""Placeholders for CUDA's libraries, so that torch's CUDA build runs on a machine without CUDA.

PyPI has no other build of torch for Linux, and it does not even load without 2.7 GB of CUDA's
libraries, none of whose functions is ever called where there is no graphics card. Each is replaced
by a library of a few kilobytes that has the names torch's own libraries ask for; every function
says that there is no device. torch looks for CUDA's libraries beside its own last (its RPATH), so
real ones, once they are installed, come first.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from pathlib import Path

from installer import elf

LIST = "editgan-placeholders.txt"
# Of the system, by the manylinux promise; the driver's own is opened only where there is one.
_SYSTEM = ("ld-linux", "libc.", "libdl.", "libgcc_s.", "libm.", "libpthread.", "librt.")
_OTHERS = (*_SYSTEM, "libstdc++.", "libutil.", "libz.", "libcuda.")
# Of libraries without symbol versions: whose names begin so.
_UNVERSIONED = {"cuFile": "libcufile.", "curand": "libcurand.", "cusparseLt": "libcusparseLt."}
_UNVERSIONED |= {"nccl": "libnccl.", "nvshmem": "libnvshmem_host."}


def make(folder: Path) -> list[str]:
    """Put placeholders into `folder` (torch/lib) for what is missing there; returns their names.

    Raises ValueError, KeyError or OSError where torch's libraries are not as expected.
    """
    remove(folder)
    files = sorted(folder.glob("*.so*"))
    machine = {"x86_64": 62, "aarch64": 183}[platform.machine()]
    made = _missing([elf.SharedLibrary(file) for file in files], {file.name for file in files})
    # First the list: what an interruption leaves can then be removed.
    (folder / LIST).write_text("".join(f"{name}\n" for name in made), encoding="utf-8")
    for name, functions in made.items():
        (folder / name).write_bytes(elf.stub(name, functions, machine))
    return list(made)


def remove(folder: Path) -> None:
    """Remove the placeholders, if there are any."""
    listed = folder / LIST
    if listed.is_file():
        for name in listed.read_text(encoding="utf-8").split():
            (folder / name).unlink(missing_ok=True)
        listed.unlink()


def _missing(
    libraries: list[elf.SharedLibrary], present: set[str]
) -> dict[str, dict[str, str | None]]:
    """Library -> function -> version of all that `libraries` ask for and that is not `present`."""
    missing: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
    unversioned: list[str] = []

    def is_missing(library: str) -> bool:
        return library not in present and not library.startswith(_OTHERS)

    for library in libraries:
        for needed in filter(is_missing, library.needed):
            missing[needed]  # even if nothing is taken from it
        for symbol in library.undefined():
            if symbol.library is None:
                unversioned.append(symbol.name)
            elif is_missing(symbol.library):
                missing[symbol.library][symbol.name] = symbol.version
    for name in unversioned:
        for prefix, start in _UNVERSIONED.items():
            if name.startswith(prefix):
                for asked in missing:
                    if asked.startswith(start):
                        missing[asked].setdefault(name, None)
    return dict(missing)
