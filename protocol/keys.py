"""Key pairs for backends on other machines: who may connect is told by public keys.

Shown and typed as 64 hexadecimal digits: ZeroMQ's own notation (Z85) is full of signs that shells
and double clicks take for something else.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Literal

from protocol import bounded_file, paths, private_file
from protocol.typed import ProtocolError, from_wire

_MAX_FILE = 4096  # bytes


@dataclass(frozen=True)
class KeyPair:
    """Z85 texts, as ZeroMQ takes them."""

    public: str
    secret: str


def own(role: Literal["client", "server"]) -> KeyPair:
    """This user's key pair, made when first asked for. Raises OSError, ProtocolError."""
    import zmq

    path = paths.private(paths.keys_dir()) / f"{role}.json"
    if not path.exists():
        public, secret = (key.decode() for key in zmq.curve_keypair())
        private_file.create(path, json.dumps(asdict(KeyPair(public, secret))))
    try:
        pair: KeyPair = from_wire(KeyPair, bounded_file.read_json(path, _MAX_FILE), (), path.name)
    except ValueError as error:
        raise ProtocolError(f"{path} holds no keys; delete it, then new ones are made") from error
    return pair


def is_key(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{64}", text) is not None


def to_hex(z85: str) -> str:
    from zmq.utils import z85 as coding

    return coding.decode(z85).hex()


def from_hex(text: str) -> str:
    """64 hexadecimal digits as Z85; raises ProtocolError."""
    from zmq.utils import z85 as coding

    if not is_key(text):
        raise ProtocolError("a key has 64 hexadecimal digits")
    return coding.encode(bytes.fromhex(text)).decode()
