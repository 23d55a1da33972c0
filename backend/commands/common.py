"""What several commands share: arguments, the progress bar, checks of file names."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from backend.errors import BadImage, BadSetting, NoDevice

if TYPE_CHECKING:
    from backend.editing.objective import Weights
    from backend.photos.photo import Photo
    from protocol.provenance import SourceType

LEVELS = ("fast", "balanced", "faithful")
DEFAULT_BUNDLE = "faces"
_MAX_SEED = (1 << 32) - 1


def add_bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle", default=DEFAULT_BUNDLE, metavar="NAME", help="model (default: %(default)s)"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", default="auto", type=device_name, metavar="NAME",
        help="auto, cpu or cuda (default: auto, a GPU if there is one)",
    )  # fmt: skip


def add_photo(parser: argparse.ArgumentParser) -> None:
    """PHOTO or --seed, and everything that says how it is opened."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "photo", type=Path, nargs="?", metavar="PHOTO", help="a photo: PNG, JPEG, TIFF, WebP"
    )
    source.add_argument(
        "--seed", type=seed_number, metavar="N", help="a picture of the model's own instead"
    )
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


def add_optimisation(parser: argparse.ArgumentParser) -> None:
    """--weight and --keep: how an edit is optimised."""
    parser.add_argument(
        "--weight", action="append", default=[], metavar="NAME=VALUE",
        help="weigh a loss differently: rgb, lpips, l2, cross_entropy or identity; "
        "give it several times for several",
    )  # fmt: skip
    parser.add_argument(
        "--keep", action="store_true",
        help="let Ctrl-C end the optimisation with its best result so far; twice gives it up",
    )  # fmt: skip


def read_input(args: argparse.Namespace) -> Photo | None:
    """The photo that was named, None for a picture of the model's own; raises BadImage."""
    from backend.photos.files import read_photo

    return None if args.photo is None else read_photo(args.photo)


def weights_of(args: argparse.Namespace) -> Weights:
    """The weights of the losses as the command line says; raises BadSetting. Imports torch."""
    from backend.editing.objective import Weights

    values = {}
    for text in args.weight:
        name, _, value = text.partition("=")
        try:
            values[name] = float(value)
        except ValueError:
            raise BadSetting(f"'{text}' is not a weight; write for instance lpips=5.") from None
    return Weights.named(values)


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


def seed_number(text: str) -> int:
    """An argument that chooses a picture of the model's own."""
    value = int(text)
    if not 0 <= value <= _MAX_SEED:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to {_MAX_SEED}")
    return value


def device_name(text: str) -> str:
    """An argument that names where to compute; `choose_device` tells whether it is there."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"there is no device {text!r}; use auto, cpu or cuda")
    return text


def check_not_input(output: Path, *inputs: Path | None) -> None:
    """Raises BadImage where writing `output` would destroy a file that is read."""
    for path in filter(None, inputs):
        with contextlib.suppress(OSError):
            if output.samefile(path):
                raise BadImage(f"Writing to {output} would overwrite the input; use another name.")


def check_edit_name(bundle: str, name: str, *, overwrite: bool) -> None:
    """Before minutes of work: may an edit be saved under this name? Raises EditExists."""
    from edit_library import EditExists, EditNotFound, Library, slugify
    from protocol.paths import library_dir

    try:
        found = Library(library_dir()).get(bundle, slugify(name)).info
    except EditNotFound:
        return
    if found.source == "preset" or not overwrite:
        raise EditExists(
            f"There is an edit named '{found.name}' already; choose another name"
            f"{'' if found.source == 'preset' else ', or add --overwrite'}."
        )


def lossy_note(output: Path) -> str | None:
    """What to know about an output whose every pixel changes a little."""
    if output.suffix.lower() not in (".jpg", ".jpeg"):
        return None
    return "JPEG stores all pixels anew; in .png or .tif those outside the edit stay as they were."


def choose_device(name: str) -> str:
    """The device behind a name; raises NoDevice. Imports torch."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise NoDevice(f"This computer has no usable GPU for '--device {name}'; use cpu or auto.")
    return name


@contextlib.contextmanager
def enough_on_interrupt(active: bool) -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether Ctrl-C was pressed; pressed again, it interrupts."""
    pressed = threading.Event()
    if not active or threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return

    def on_first(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, on_first)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def progress_bar(label: str, *, quiet: bool, keep: bool = False) -> Iterator[Callable[[Any], bool]]:
    """A bar on stderr, if that is a terminal; gives a callback for the editor's Progress.

    keep: Ctrl-C says "enough" instead of interrupting.
    """
    from tqdm import tqdm

    layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with (
        enough_on_interrupt(keep) as enough,
        tqdm(
            total=1000,
            desc=label,
            file=sys.stderr,
            disable=quiet or None,
            bar_format=layout,
            leave=False,
        ) as bar,
    ):

        def show(progress: Any) -> bool:
            bar.set_description_str(progress.text or label, refresh=False)
            bar.update(max(0, round(min(progress.fraction, 1.0) * 1000) - bar.n))
            return enough()

        yield show
