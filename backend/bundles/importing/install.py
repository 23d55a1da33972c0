"""An imported generator as a bundle in the user's data folder, written all at once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor

from backend.bundles import preview
from backend.bundles.bundle import Bundle, read_bundle, write_bundle_json
from backend.bundles.importing.checkpoint import Checkpoint
from backend.bundles.networks import save_network, save_state
from backend.bundles.registry import BUILTIN
from backend.models.generator import Generator, sample_z
from backend.models.pictures import to_picture
from protocol.errors import UserError

_SAMPLES = 8
_SIDE = 128  # pixels of a sample in the preview


class BundleExists(UserError):
    code = "exists"


class NotWritable(UserError):
    code = "not_writable"


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Raises BundleExists where a bundle of that name must not be replaced."""
    if (BUILTIN / folder.name).exists():
        raise BundleExists(f"'{folder.name}' is the name of a built-in model; use another name.")
    if folder.exists() and not overwrite:
        raise BundleExists(
            f"There is a model '{folder.name}' already; use another name, or --overwrite."
        )


def install(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    title: str,
    domain: str,
    license: str,
    source: str,
    progress: Callable[[float], object],
) -> Bundle:
    """Write a bundle with generator, perhaps encoder, preview and the small networks that every
    bundle has.

    domain: "faces" makes photos aligned as FFHQ is; anything else takes the middle square.
    progress: called with the share that is done. `folder` appears, or is replaced, in one step.
    Raises NotWritable.
    """
    generator = Generator(checkpoint.config)
    generator.load_state_dict(checkpoint.state)
    generator.eval().requires_grad_(False)
    with _replacing(folder) as new:
        bundle = Bundle(
            folder=new,
            name=folder.name,
            title=title,
            domain=domain,
            crop="ffhq" if domain == "faces" else "square",
            config=checkpoint.config,
            parts=(),
            large=(),
            license=license,
            source=source,
            encoder=checkpoint.encoder.kind if checkpoint.encoder else "residual",
        )
        save_network(generator, bundle.path("generator"), half=False)
        if checkpoint.encoder:
            save_state(checkpoint.encoder.state, bundle.path("encoder"))
        copy_small_networks(bundle)
        _write_preview(generator, new / preview.FILE, progress)
        write_bundle_json(bundle)
    return read_bundle(folder)


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` at the end, or vanishes with an error."""
    room = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        new, old = room / folder.name, room / "old"
        new.mkdir()
        yield new
        if folder.exists():
            os.rename(folder, old)
        try:
            os.rename(new, folder)
        except OSError:
            if old.exists():
                os.rename(old, folder)
            raise
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotWritable(
            f"The model could not be written to {folder} ({reason}); free some space, or change "
            "the folder's permissions."
        ) from error
    finally:
        if room:
            shutil.rmtree(room, ignore_errors=True)


def copy_small_networks(bundle: Bundle) -> Bundle:
    """Add the perceptual network that embedding needs and, for faces, the identity network."""
    for network in ("perceptual", "identity") if bundle.domain == "faces" else ("perceptual",):
        for found in sorted(BUILTIN.glob(f"*/{network}.safetensors"))[:1]:
            shutil.copyfile(found, bundle.path(network))
    return bundle


@torch.no_grad()
def _write_preview(generator: Generator, path: Path, progress: Callable[[float], object]) -> None:
    """Samples of seeds 0 to 7, two rows, as WebP."""
    pictures = []
    for seed in range(_SAMPLES):
        z = sample_z(generator.config, [seed])
        pictures.append(_small(generator(generator.map(z, truncation=0.8))[0]))
        progress((seed + 1) / _SAMPLES)
    rows = [np.concatenate(pictures[i : i + 4], axis=1) for i in range(0, _SAMPLES, 4)]
    Image.fromarray(np.concatenate(rows)).save(path, quality=85)


def _small(image: Tensor) -> NDArray[np.uint8]:
    """(1, 3, R, R), about [-1, 1] -> uint8 [side, side, 3]."""
    small = F.interpolate(image, size=(_SIDE, _SIDE), mode="bilinear", antialias=True)
    return to_picture(small)
