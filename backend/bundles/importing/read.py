"""Which program a file is from, told by its first bytes and the names of its tensors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend.bundles.importing import nvidia, others, rosinality, tensorflow
from backend.bundles.importing.checkpoint import BadCheckpoint, Checkpoint
from backend.bundles.importing.contents import Contents, describe, flat
from backend.bundles.importing.encoders import encoder_of
from backend.bundles.importing.foreign import what_it_is
from backend.bundles.importing.torch_reader import read_safetensors, read_torch
from backend.bundles.importing.unpickler import read_pickle

_LARGEST = 8 << 30  # bytes: 1024 pixels with discriminator and optimisers are 1.5 GB
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"  # protocol 2 on
# torch.save's layout before version 1.6 begins with a pickled number
_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_SAFETENSORS = re.compile(rb"^.{3}\x00{5}\{", re.DOTALL)  # the length of a JSON text, and its start
_KNOWN = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89HDF": "an HDF5 file, as Keras writes them",
    b"\x93NUMPY": "a numpy array; give the folder of EditGAN's release that it belongs to",
    b"<": "a web page; the download failed",
    b"{": "a JSON text",
    b"version https://git-lfs": "a placeholder of Git LFS, not the file itself",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
}


@dataclass(frozen=True)
class _Layout:
    """mark: a tensor that such a generator has. read: makes a Checkpoint of the contents below
    the generator's path."""

    mark: str
    read: Callable[[Contents, int | None], Checkpoint]


_LAYOUTS = (
    _Layout(nvidia.MARK, nvidia.read),
    _Layout(tensorflow.MARK, tensorflow.read),
    _Layout(rosinality.MARK, rosinality.read),
    _Layout(others.BASICSR_MARK, others.read_basicsr),
    _Layout(others.GENFORCE_MARK, others.read_genforce),
)
_AVERAGED = re.compile(r"(?<![a-z])ema(?![a-z])|smooth|averag", re.IGNORECASE)


def read_here(path: Path, chosen: int | None = None) -> Checkpoint:
    """The generator in `path`, and its encoder where there is one, read by this process:
    `isolated.read_checkpoint` lets another do it.

    chosen: the class of a conditional generator. Raises BadCheckpoint: what the file is instead,
    and what to do.
    """
    try:
        content = read_content(path)
        return _generator_in(content, chosen)
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read ({error.strerror}).") from error
    except BadCheckpoint as error:
        raise BadCheckpoint(f"{path.name} cannot be imported. {error.message}") from error
    except (RuntimeError, TypeError, ValueError, MemoryError) as error:  # a hostile file's doing
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise BadCheckpoint(f"{path.name} cannot be imported. It is damaged ({reason}).") from error


def read_content(path: Path) -> Any:
    """What a file holds, by names; nothing in it is executed. Raises OSError, BadCheckpoint."""
    if not path.is_file() and path.exists():  # a FIFO or a device could be read for ever
        raise BadCheckpoint("It is not a file.")
    if path.stat().st_size > _LARGEST:
        raise BadCheckpoint("It is larger than 8 GB, more than any StyleGAN2 checkpoint.")
    with path.open("rb") as file:
        start = file.read(64)
    return _reader(start)(path)


def _reader(start: bytes) -> Callable[[Path], Any]:
    if start.startswith((_ZIP, _LEGACY_TORCH)):
        return read_torch
    if _SAFETENSORS.match(start):
        return read_safetensors
    if start.startswith(_PICKLE):
        return read_pickle
    found = next((text for mark, text in _KNOWN.items() if start.startswith(mark)), None)
    kinds = "no checkpoint: neither a pickle nor a .pt nor a .safetensors file"
    raise BadCheckpoint(f"It is {found or kinds}.")


def _generator_in(content: Any, chosen: int | None) -> Checkpoint:
    found = flat(content)
    candidates = [
        (name[: -len(layout.mark)], layout)
        for name in found.tensors
        for layout in _LAYOUTS
        if name == layout.mark or name.endswith(f".{layout.mark}")
    ]
    if not candidates:
        _refuse(found, content)
    prefix, layout = max(candidates, key=lambda pair: (_rank(pair[0]), pair[0]))
    checkpoint = layout.read(_with_mean(found, prefix), chosen)
    if _rank(prefix) == 0:
        note = "It holds no averaged generator: the one in training was taken, which is rougher."
        checkpoint = replace(checkpoint, notes=(*checkpoint.notes, note))
    return encoder_of(found, prefix, checkpoint)


def _rank(prefix: str) -> int:
    """How good a choice the generator at a path is: averaged ones are better than trained ones."""
    if _AVERAGED.search(prefix):
        return 2
    # Alone in its file, an encoder's decoder, or the last of TensorFlow's three networks.
    alone = not prefix or prefix.split(".")[-2] in ("module", "decoder", "state_dict")
    return 1 if alone or re.fullmatch(r"\d+\.", prefix) else 0


def _with_mean(found: Contents, prefix: str) -> Contents:
    """The generator's contents, with the mean of w that many programs keep beside them."""
    own = found.below(prefix)
    mean = found.tensors.get("latent_avg")
    if mean is not None and mean.ndim in (1, 2):
        rows = mean.reshape(-1, mean.shape[-1]).float()  # pSp and e4e repeat it for each layer
        own.tensors["w_avg"] = rows.mean(dim=0)
    return own


def _refuse(found: Contents, content: Any) -> None:
    """Raises BadCheckpoint: what the contents are instead of a generator."""
    if what := what_it_is(found.tensors):
        raise BadCheckpoint(f"It is {what}; only StyleGAN2's generators are read.")
    raise BadCheckpoint(
        f"It is {describe(content)}, in which there is no StyleGAN2 generator that is known here "
        "(NVIDIA's, rosinality's, BasicSR's or GenForce's names)."
    )
