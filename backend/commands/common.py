"""What several commands share: arguments, the progress bar, checks of file names."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import BadImage

if TYPE_CHECKING:
    from backend.photos.photo import Photo
    from protocol.provenance import SourceType

LEVELS = ("fast", "balanced", "faithful")
DEFAULT_BUNDLE = "faces"


def add_bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle", default=DEFAULT_BUNDLE, metavar="NAME", help="model (default: %(default)s)"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", default="auto", help="auto, cpu or cuda (default: auto, a GPU if there is one)"
    )


def add_photo(parser: argparse.ArgumentParser) -> None:
    """PHOTO and everything that says how it is opened."""
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="a photo: PNG, JPEG, TIFF, WebP")
    add_bundle(parser)
    parser.add_argument(
        "--subject", type=positive, default=None, metavar="N",
        help="which subject, when the photo shows several: 1 is the largest (default)",
    )  # fmt: skip
    parser.add_argument(
        "--level", choices=LEVELS, default=None,
        help="how closely the photo is embedded before it is edited (default: balanced)",
    )  # fmt: skip
    add_device(parser)


def add_output(parser: argparse.ArgumentParser) -> None:
    """--output: where the edited photo goes."""
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT.png",
        help="the edited photo: .png, .tif, .webp or .jpg",
    )  # fmt: skip
    add_declaration(parser)


def add_declaration(parser: argparse.ArgumentParser) -> None:
    """--declare-ai: whether the picture says how it was made."""
    parser.add_argument(
        "--declare-ai", action=argparse.BooleanOptionalAction, default=None,
        help="write into the picture's metadata (IPTC Digital Source Type) that a trained model "
        "made or changed it (default: as in the settings, else yes)",
    )  # fmt: skip


def declared(
    photo: Photo,
    args: argparse.Namespace,
    source_type: SourceType = "compositeWithTrainedAlgorithmicMedia",
) -> Photo:
    """The photo, saying in its metadata how it was made unless the user does not want that."""
    from protocol import provenance, settings

    wanted = settings.load().declare_ai if args.declare_ai is None else args.declare_ai
    return dataclasses.replace(photo, xmp=provenance.xmp(source_type)) if wanted else photo


def positive(text: str) -> int:
    """An argument that counts something."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 upwards")
    return value


def not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def check_not_input(output: Path, *inputs: Path) -> None:
    """Raises BadImage where writing `output` would destroy a file that is read."""
    for path in inputs:
        with contextlib.suppress(OSError):
            if output.samefile(path):
                raise BadImage(f"Writing to {output} would overwrite the input; use another name.")


def lossy_note(output: Path) -> str | None:
    """What to know about an output whose every pixel changes a little."""
    if output.suffix.lower() not in (".jpg", ".jpeg"):
        return None
    return "JPEG stores all pixels anew; in .png or .tif those outside the edit stay as they were."


def choose_device(name: str) -> str:
    """The device behind "auto". Imports torch."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise BadImage(f"This computer has no usable GPU for '--device {name}'; use cpu or auto.")
    return name


@contextlib.contextmanager
def progress_bar(label: str, *, quiet: bool) -> Iterator[Callable[[Any], None]]:
    """A bar on stderr, if that is a terminal; gives a callback for the editor's Progress."""
    from tqdm import tqdm

    layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(
        total=1000,
        desc=label,
        file=sys.stderr,
        disable=quiet or None,
        bar_format=layout,
        leave=False,
    ) as bar:

        def show(progress: Any) -> None:
            bar.set_description_str(progress.text or label, refresh=False)
            bar.update(max(0, round(min(progress.fraction, 1.0) * 1000) - bar.n))

        yield show
