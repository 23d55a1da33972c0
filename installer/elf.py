"""Just enough of the ELF format (System V ABI, gABI 4.1): what a library asks for, and stubs.

Little-endian 64-bit libraries of x86-64 and AArch64, which is what torch has wheels for on Linux.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_LOAD, _DYNAMIC, _STACK = 1, 2, 0x6474E551  # kinds of segments
_NEEDED, _HASH, _STRTAB, _SYMTAB, _STRSZ, _SYMENT, _SONAME = 1, 4, 5, 6, 10, 11, 14
_GNU_HASH, _VERSYM, _VERDEF, _VERDEFNUM = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
_VERNEED, _VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
_PAGE = 0x10000  # AArch64 kernels may use 64 KiB
_HEADER, _SEGMENT, _SYMBOL, _TAG = 64, 56, 24, 16  # bytes of each
# A function that returns 100, an error in all of CUDA's libraries; cudaErrorNoDevice in its own.
_RETURN_100 = {
    62: bytes.fromhex("b864000000c3"),  # x86-64: mov eax, 100; ret
    183: struct.pack("<II", 0x52800C80, 0xD65F03C0),  # AArch64: mov w0, #100; ret
}


@dataclass(frozen=True)
class Undefined:
    """A symbol that a library takes from others; library, version: None where it does not say."""

    name: str
    library: str | None
    version: str | None


class SharedLibrary:
    """A shared library on disk. Raises ValueError or struct.error for anything else."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:  # mapped: torch's libraries have half a gigabyte each
            self._data = data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        if bytes(data[:6]) != b"\x7fELF\2\1":
            raise ValueError(f"{file.name} is no 64-bit little-endian ELF file")
        (self.machine,) = struct.unpack_from("<H", data, 18)
        (table,) = struct.unpack_from("<Q", data, 32)
        (segments,) = struct.unpack_from("<H", data, 56)
        self._loads: list[tuple[int, int, int]] = []  # address, offset, size in the file
        self._tags: dict[int, int] = {}
        needed: list[int] = []
        for number in range(segments):
            kind, _, offset, address, _, size, _, _ = struct.unpack_from(
                "<IIQQQQQQ", data, table + _SEGMENT * number
            )
            if kind == _LOAD:
                self._loads.append((address, offset, size))
            elif kind == _DYNAMIC:
                for tag, value in struct.iter_unpack("<QQ", data[offset : offset + size]):
                    self._tags.setdefault(tag, value)
                    if tag == _NEEDED:
                        needed.append(value)
        self.needed = [self._text(offset) for offset in needed]

    def undefined(self) -> Iterator[Undefined]:
        """All symbols that other libraries must have."""
        versions = dict(self._needed_versions())
        symbols = self._at(_SYMTAB)
        marks = self._at(_VERSYM) if _VERSYM in self._tags else None
        for number in range(1, self._symbols()):
            name, _, _, section = struct.unpack_from(
                "<IBBH", self._data, symbols + _SYMBOL * number
            )
            if section == 0:
                mark = 0
                if marks is not None:
                    mark = struct.unpack_from("<H", self._data, marks + 2 * number)[0] & 0x7FFF
                yield Undefined(self._text(name), *versions.get(mark, (None, None)))

    def _needed_versions(self) -> Iterator[tuple[int, tuple[str, str]]]:
        """What the marks beside symbols mean: (library, version)."""
        if _VERNEED not in self._tags:
            return
        place = self._at(_VERNEED)
        for _ in range(self._tags[_VERNEEDNUM]):
            _, count, library, first, following = struct.unpack_from("<HHIII", self._data, place)
            entry = place + first
            for _ in range(count):
                _, _, mark, name, step = struct.unpack_from("<IHHII", self._data, entry)
                yield mark, (self._text(library), self._text(name))
                entry += step
            place += following

    def _symbols(self) -> int:
        """How many there are; only the hash tables know, and the GNU one tells of defined ones."""
        if _HASH in self._tags:
            return int(struct.unpack_from("<I", self._data, self._at(_HASH) + 4)[0])
        place = self._at(_GNU_HASH)
        count, first, bloom, _ = struct.unpack_from("<IIII", self._data, place)
        buckets = place + 16 + 8 * bloom
        last = max(struct.unpack_from(f"<{count}I", self._data, buckets), default=0)
        chains = buckets + 4 * count
        if last < first:
            return int(first)
        while not struct.unpack_from("<I", self._data, chains + 4 * (last - first))[0] & 1:
            last += 1
        return int(last) + 1

    def _at(self, tag: int) -> int:
        address = self._tags[tag]
        for start, offset, size in self._loads:
            if start <= address < start + size:
                return address - start + offset
        raise ValueError("a table lies outside the file")

    def _text(self, offset: int) -> str:
        start = self._at(_STRTAB) + offset
        return bytes(self._data[start : start + 4096]).split(b"\0", 1)[0].decode()


def stub(name: str, functions: Mapping[str, str | None], machine: int) -> bytes:
    """A shared library `name` whose functions all return 100; functions: name -> version or None.

    Raises KeyError for machines other than x86-64 (62) and AArch64 (183).
    """
    code = _RETURN_100[machine]
    names = sorted(functions)
    versions = [name, *sorted({version for version in functions.values() if version})]
    texts = _Texts()
    offsets = {text: texts.add(text) for text in [*names, *versions]}
    symbols_at = _HEADER + 4 * _SEGMENT
    hashes_at = symbols_at + _SYMBOL * (len(names) + 1)
    hashes = _hash_table(names)
    marks_at = hashes_at + len(hashes)
    # 1: the library itself, then one for each version
    marks = [0, *(versions.index(v, 1) + 1 if (v := functions[n]) else 1 for n in names)]
    versions_at = _aligned(marks_at + 2 * len(marks), 8)
    defined = _versions(versions, offsets)
    texts_at = versions_at + len(defined)
    code_at = _aligned(texts_at + len(texts.data), 16)
    tags_at = _aligned(code_at + len(code), 8)
    tags = [
        (_SONAME, offsets[name]),
        *((_HASH, hashes_at), (_STRTAB, texts_at), (_SYMTAB, symbols_at)),
        *((_STRSZ, len(texts.data)), (_SYMENT, _SYMBOL)),
        *((_VERSYM, marks_at), (_VERDEF, versions_at), (_VERDEFNUM, len(versions)), (0, 0)),
    ]
    pieces = {
        0: _head(machine, tags_at, _TAG * len(tags)),
        symbols_at + _SYMBOL: b"".join(
            struct.pack("<IBBHQQ", offsets[n], 0x12, 0, 1, code_at, len(code)) for n in names
        ),
        hashes_at: hashes,
        marks_at: struct.pack(f"<{len(marks)}H", *marks),
        versions_at: defined,
        texts_at: bytes(texts.data),
        code_at: code,
        tags_at: b"".join(struct.pack("<QQ", *tag) for tag in tags),
    }
    made = bytearray(tags_at + _TAG * len(tags))
    for place, piece in pieces.items():
        made[place : place + len(piece)] = piece
    return bytes(made)


class _Texts:
    def __init__(self) -> None:
        self.data = bytearray(b"\0")

    def add(self, text: str) -> int:
        offset = len(self.data)
        self.data += text.encode() + b"\0"
        return offset


def _head(machine: int, tags_at: int, size: int) -> bytes:
    """The header and four segments: code, the writable table of tags, that again, and the stack.

    The last says that no stack has to be executable; without it, it has to be, which glibc 2.41
    refuses.
    """
    there = tags_at + _PAGE
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(b"\x7fELF\2\1\1", 3, machine, 1, 0, _HEADER, 0, 0),
        *(_HEADER, _SEGMENT, 4, 64, 0, 0),
    )
    return header + b"".join(
        struct.pack("<IIQQQQQQ", *segment)
        for segment in (
            (_LOAD, 5, 0, 0, 0, tags_at, tags_at, _PAGE),
            (_LOAD, 6, tags_at, there, there, size, size, _PAGE),
            (_DYNAMIC, 6, tags_at, there, there, size, size, 8),
            (_STACK, 6, 0, 0, 0, 0, 0, 16),
        )
    )


def _versions(versions: list[str], offsets: Mapping[str, int]) -> bytes:
    made = b""
    for number, version in enumerate(versions, 1):
        is_base, is_last = number == 1, number == len(versions)
        values = (1, is_base, number, 1, _hash(version), 20, 0 if is_last else 28)
        made += struct.pack("<HHHHIIIII", *values, offsets[version], 0)
    return made


def _hash_table(names: list[str]) -> bytes:
    count = len(names) + 1
    buckets = [0] * max(1, count // 2)
    chains = [0] * count
    for number, name in enumerate(names, 1):
        bucket = _hash(name) % len(buckets)
        chains[number], buckets[bucket] = buckets[bucket], number
    words = (len(buckets), count, *buckets, *chains)
    return struct.pack(f"<{len(words)}I", *words)


def _hash(name: str) -> int:
    """The ABI's own hash function."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value


def _aligned(place: int, step: int) -> int:
    return -(-place // step) * step
