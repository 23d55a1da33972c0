"""What is fuzzed: readers of bytes that others wrote, and the only errors that they may raise."""

from __future__ import annotations

import json
import os
import pickle
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

from backend.photos.containers import avif, png
from edit_library.archive import parse_archive
from edit_library.edit import parse_info
from edit_library.errors import EditLibraryError
from edit_library.storage import parse_files
from protocol import framing, paths, settings
from protocol import messages as m
from protocol.errors import BackendError, UserError
from protocol.typed import ProtocolError

PROJECT = Path(__file__).resolve().parents[2]
_PRESETS = PROJECT / "edit_library" / "presets"


@dataclass(frozen=True)
class Target:
    """read: takes hostile bytes. seeds: sound ones. errors: what `read` may raise for the rest."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    errors: tuple[type[Exception], ...]

    def try_one(self, data: bytes) -> bool:
        """Whether the bytes were taken; everything but an expected error is passed on."""
        try:
            self.read(data)
        except self.errors:
            return False
        return True


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """A few changes of the kinds that readers stumble over."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0 if data:
                data[at % len(data)] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 8)]
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 64)] * chance.randint(1, 30)
            case 4:
                data[at : at + 4] = chance.choice(_NUMBERS)
            case 5:
                data[at:at] = chance.choice(_TOKENS) * chance.choice((1, 1, 3, 2000))
            case 6:
                del data[at:]
    return bytes(data[: 1 << 17])


_NUMBERS = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x7f\xf0\x00\x00", b"1e99", b"-1  ")
_TOKENS = (b"[", b"{", b'"', b"NaN", b"1e999", b"\x93", b"\x81", b"\xc7", b"(", b"2\x86", b"\x85",
           b"R", b"\x94", b"h\x00", b"}", b"s", b"null", b"\\ud800", b"\xff\xfe")  # fmt: skip


def _message(data: bytes) -> object:
    header, *rest = data.split(b"\0FRAME\0")
    return framing.unpack([header, *rest], framing.MAX_REQUEST)


def _pickle(data: bytes) -> object:
    from backend.bundles.importing.unpickler import read_pickle

    return read_pickle(_file(data))


def _checkpoint(data: bytes) -> object:
    from backend.bundles.importing.read import read_here

    return read_here(_file(data))


def _bundle(data: bytes) -> object:
    from backend.bundles import read_bundle

    folder = _file(data, "bundle.json").parent
    return read_bundle(folder)


def _archive(data: bytes) -> object:
    return parse_files(parse_archive(data, "fuzz.editgan"))


def _picture(data: bytes) -> object:
    from backend.photos.files import read_photo

    return read_photo(_file(data, "picture.png"))


def _settings(data: bytes) -> object:
    _file(data, "settings.json", paths.data_dir())
    return settings.load()


def _file(data: bytes, name: str = "file", folder: Path | None = None) -> Path:
    path = (folder or Path(tempfile.gettempdir())) / f"{os.getpid()}-{name}"
    if name.endswith(".json"):
        place = folder or Path(tempfile.gettempdir()) / f"editgan-fuzz-{os.getpid()}"
        place.mkdir(exist_ok=True, parents=True)
        path = place / name
    path.write_bytes(data)
    return path


def canary() -> Path:
    """A file that seeds create where a reader executes them."""
    return Path(tempfile.gettempdir()) / f"editgan-executed-{os.getppid()}"


def _pictures() -> tuple[bytes, ...]:
    files = PROJECT / "tests/data/files"
    sound = [p.read_bytes() for p in sorted(files.iterdir()) if p.suffix != ".md"]
    program = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({canary()}) (w) file closefile\n"
    return (*sound, *_few_pixels(), program.encode())


def _few_pixels() -> list[bytes]:
    """AVIF of 8 and 12 bits with metadata, and a PNG with EXIF in a text."""
    exif = b"II*\0\x08\0\0\0" + bytes(6)
    values = np.zeros((8, 8, 3), np.uint16)
    deep = imagecodecs.avif_encode(values, bitspersample=12, primaries=9, transfer=16, matrix=9)
    plain = imagecodecs.avif_encode(values.astype(np.uint8))
    light = [avif.Box(b"clli", bytes(4))]
    found = [avif.with_blocks(bytes(d), exif, b"<x/>", bytes(200), light) for d in (deep, plain)]
    text = png.PngChunk(b"tEXt", b"Raw profile type exif\0\nexif\n 14\n" + exif.hex().encode())
    picture = bytes(imagecodecs.png_encode(values))
    return [*found, png.with_chunks(picture, [text], same_kind=True)]


def _messages() -> tuple[bytes, ...]:
    alpha = m.Pixels(4, 2, 1, "u8", bytes(8))
    vector = m.Pixels(8, 4, 1, "f32", bytes(128))
    photo = m.Pixels(6, 5, 3, "u8", bytes(90))
    quad = (1.0, 1.0, 1.0, 40.0, 40.0, 40.0, 40.0, 1.0)
    requests: list[m.Message] = [
        m.Hello("fuzz"), m.Ping(), m.Cancel("j", True), m.Status(), m.Shutdown("why"),
        m.Segment("faces", "p", quad, (0, 0, 6, 5), photo, 60, 50, w_plus=vector),
        m.Repaint("p", [m.PaintedPart("hair", (3, 2, 4, 2), alpha)], 7, vector),
        m.Apply("p", [m.EditRef("a"), m.EditRef(vector=vector, parts=("hair",))]),
        m.Learn(["p"], recipe="smile"), m.ImportEdit("a.editgan", b"PK"), m.ListEdits("faces"),
    ]  # fmt: skip
    return tuple(b"\0FRAME\0".join(map(bytes, framing.pack("j", one))) for one in requests)


def _pickles() -> tuple[bytes, ...]:
    plain: list[Any] = [{"G_ema": {"a": (1, 2.5, "x")}}, [1, {2, 3}, (4, (5,))], {"k": b"bytes"}]
    made = [pickle.dumps(one, protocol) for one in plain for protocol in (2, 4)]
    record = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    network = b"}(\x8c\x0aclass_name\x8c\x01X\x8c\x05state}\x8c\x05c_dimK\x00su\x85R"
    call = f"cposix\nsystem\n(S'touch {canary()}'\ntR.".encode()
    opened = f"c__builtin__\nopen\n(S'{canary()}'\nS'w'\ntR.".encode()
    return (*made, call, opened, b"\x80\x04}\x8c\x05G_ema" + record + network + b"s.")


def targets() -> dict[str, Target]:
    """All readers by name; the seeds are what the program itself writes."""
    edit = next(iter(sorted(_PRESETS.glob("*/*/edit.json")))).parent
    from edit_library.archive import pack_archive

    archive = pack_archive({file.name: file.read_bytes() for file in edit.iterdir()})
    builtin = PROJECT / "backend/bundles/builtin"
    bundles = tuple(path.read_bytes() for path in sorted(builtin.glob("*/bundle.json")))
    remote = {"address": "host:5570", "key": "ab" * 32}
    chosen = json.dumps({"level": "fast", "idle_minutes": 5, "remote": remote, "use_remote": True})
    return {
        "messages": Target(_message, _messages(), (ProtocolError,)),
        "pickles": Target(_pickle, _pickles(), (UserError,)),
        "checkpoints": Target(_checkpoint, _pickles(), (UserError,)),
        "bundle.json": Target(_bundle, bundles, (UserError,)),
        "edit.json": Target(parse_info, ((edit / "edit.json").read_bytes(),), (EditLibraryError,)),
        "edit archives": Target(_archive, (archive,), (EditLibraryError,)),
        "pictures": Target(_picture, _pictures(), (UserError,)),
        "settings": Target(_settings, (chosen.encode(), b"{}"), (BackendError,)),
    }
