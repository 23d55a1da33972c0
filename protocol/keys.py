"""Key pairs for backends on other machines: who may connect is told by public keys.

Shown and typed as 64 hexadecimal digits: ZeroMQ's own notation (Z85) is full of signs that shells
and double clicks take for something else.
"""

from __future__ import annotations

import functools
import json
import re
import string
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from protocol import bounded_file, links, paths, private_file
from protocol.typed import ProtocolError, from_wire

_MAX_FILE = 4096  # bytes
_Z85 = string.digits + string.ascii_lowercase + string.ascii_uppercase + ".-:+=^!/*?&<>()[]{}@%$#"


@dataclass(frozen=True)
class KeyPair:
    """Z85 texts, as ZeroMQ takes them."""

    public: str
    secret: str


def own(role: Literal["client", "server"]) -> KeyPair:
    """This user's key pair, made when first asked for.

    Raises OSError, ProtocolError, BackendError (it has to be made, and nothing here can).
    """
    path = paths.private(paths.keys_dir()) / f"{role}.json"
    if not path.exists():
        _make(role, path)
    try:
        pair: KeyPair = from_wire(KeyPair, bounded_file.read_json(path, _MAX_FILE), (), path.name)
    except ValueError as error:
        raise ProtocolError(f"{path} holds no keys; delete it, then new ones are made") from error
    return pair


def is_key(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{64}", text) is not None


def to_hex(z85: str) -> str:
    """A key as hexadecimal digits. z85: ZeroMQ's notation (RFC 32): 5 digits for 4 bytes."""
    values = [_Z85.index(digit) for digit in z85]
    words = zip(*[iter(values)] * 5, strict=True)
    return b"".join(
        functools.reduce(lambda number, digit: number * 85 + digit, word).to_bytes(4, "big")
        for word in words
    ).hex()


def from_hex(text: str) -> str:
    """64 hexadecimal digits as Z85; raises ProtocolError."""
    if not is_key(text):
        raise ProtocolError("a key has 64 hexadecimal digits")
    words = struct.unpack(">8I", bytes.fromhex(text))
    return "".join(_Z85[word // 85**place % 85] for word in words for place in (4, 3, 2, 1, 0))


def _make(role: Literal["client", "server"], path: Path) -> None:
    if not links.zmq_loads():
        from protocol.bridge_link import make_keys

        make_keys(role)
        return
    import zmq

    public, secret = (key.decode() for key in zmq.curve_keypair())
    private_file.create(path, json.dumps(asdict(KeyPair(public, secret))))
