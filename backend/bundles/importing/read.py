"""Which format a file is in, told by its first bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backend.bundles.importing import nvidia, rosinality
from backend.bundles.importing.checkpoint import BadCheckpoint, Checkpoint

_LARGEST = 8 << 30  # bytes: 1024 pixels with discriminator and optimisers are 1.5 GB
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"  # protocol 2 on
# torch.save's layout before version 1.6 begins with a pickled number
_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_KNOWN = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"<": "a web page; the download failed",
    b"{": "a JSON text",
    b"version https://git-lfs": "a placeholder of Git LFS, not the file itself",
    b"\x1f\x8b": "a gzip archive; unpack it first",
}


def read_here(path: Path) -> Checkpoint:
    """The generator in `path`, read by this process: `isolated.read_checkpoint` lets another do it.

    Raises BadCheckpoint: what the file is instead, and what to do.
    """
    try:
        if not path.is_file() and path.exists():  # a FIFO or a device could be read for ever
            raise BadCheckpoint("It is not a file.")
        if path.stat().st_size > _LARGEST:
            raise BadCheckpoint("It is larger than 8 GB, more than any StyleGAN2 checkpoint.")
        with path.open("rb") as file:
            start = file.read(64)
        return _reader(start)(path)
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read ({error.strerror}).") from error
    except BadCheckpoint as error:
        raise BadCheckpoint(f"{path.name} cannot be imported. {error.message}") from error
    except (RuntimeError, TypeError, ValueError, MemoryError) as error:  # a hostile file's doing
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise BadCheckpoint(f"{path.name} cannot be imported. It is damaged ({reason}).") from error


def _reader(start: bytes) -> Callable[[Path], Checkpoint]:
    if start.startswith((_ZIP, _LEGACY_TORCH)):
        return rosinality.read
    if start.startswith(_PICKLE):
        return nvidia.read
    found = next((text for mark, text in _KNOWN.items() if start.startswith(mark)), None)
    raise BadCheckpoint(f"It is {found or 'no checkpoint: neither a pickle nor a .pt file'}.")
