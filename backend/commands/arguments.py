"""Arguments that several commands take."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

from protocol.geometry import Rect

LEVELS = ("fast", "balanced", "faithful")
DEFAULT_BUNDLE = "faces"
ALIGNED_PLACES = "from 'train align', or aligned already: a folder, ZIP archive, tar shards"
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


def add_photo(parser: argparse.ArgumentParser, *, bundle: bool = True) -> None:
    """PHOTO or --seed, and everything that says how it is opened; bundle: also --bundle."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "photo", type=Path, nargs="?", metavar="PHOTO",
        help="a photo: PNG, JPEG, TIFF, WebP, AVIF and others; - for the standard input",
    )  # fmt: skip
    source.add_argument(
        "--seed", type=seed_number, metavar="N", help="a picture of the model's own instead"
    )
    if bundle:
        add_bundle(parser)
    parser.add_argument(
        "--subject", type=positive, default=None, metavar="N",
        help="which subject, when the photo shows several: 1 is the largest (default)",
    )  # fmt: skip
    parser.add_argument(
        "--box", type=box, metavar="X,Y,W,H",
        help="the box around the subject in the photo's pixels, as a selection in GIMP: for "
        "subjects that the model does not find (cars); without it they fill the photo",
    )  # fmt: skip
    add_level(parser)
    add_device(parser)


def add_level(parser: argparse.ArgumentParser) -> None:
    """--level, which `level_of` reads."""
    parser.add_argument(
        "--level", choices=LEVELS, default=None,
        help="how closely photos are embedded before they are edited (default: as in the "
        "settings; balanced where nothing else was chosen)",
    )  # fmt: skip


def level_of(args: argparse.Namespace) -> str:
    """The level that was named, else the one that GIMP goes by, too."""
    from protocol import settings

    return args.level or settings.load().level


def add_correct(parser: argparse.ArgumentParser) -> None:
    """--correct: the photo's parts as the user has put them right."""
    parser.add_argument(
        "--correct", type=Path, metavar="PARTS.png",
        help="what 'segment' wrote for this photo, put right where it was wrong: it counts as the "
        "truth about the photo, which is embedded anew",
    )  # fmt: skip


def add_output(parser: argparse.ArgumentParser) -> None:
    """--output: where the edited photo goes."""
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT.png",
        help="the edited photo: .png, .tif, .webp, .avif or .jpg",
    )  # fmt: skip
    add_declaration(parser)


def add_declaration(parser: argparse.ArgumentParser) -> None:
    """--declare-ai: whether the picture says how it was made."""
    parser.add_argument(
        "--declare-ai", action=argparse.BooleanOptionalAction, default=None,
        help="write into the picture's metadata (IPTC Digital Source Type) that a trained model "
        "made or changed it (default: as in the settings, else yes)",
    )  # fmt: skip


def add_optimisation(parser: argparse.ArgumentParser) -> None:
    """--weight and --keep: how an edit is optimised."""
    parser.add_argument(
        "--weight", action="append", default=[], metavar="NAME=VALUE",
        help="weigh a loss differently: rgb, lpips, l2, cross_entropy, identity or changed; "
        "give it several times for several",
    )  # fmt: skip
    parser.add_argument(
        "--keep", action="store_true",
        help="let Ctrl-C end the optimisation with its best result so far; twice gives it up",
    )  # fmt: skip


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


def finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number")
    return value


def seed_number(text: str) -> int:
    """An argument that chooses a picture of the model's own."""
    value = int(text)
    if not 0 <= value <= _MAX_SEED:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to {_MAX_SEED}")
    return value


def box(text: str) -> Rect:
    """An argument that says where the subject is."""
    if (
        not re.fullmatch(r"\d{1,6}(,\d{1,6}){3}", text)
        or (rect := Rect(*map(int, text.split(",")))).is_empty
    ):
        raise argparse.ArgumentTypeError(f"'{text}' is no box; write for instance 120,80,640,400")
    return rect


def device_name(text: str) -> str:
    """An argument that names where to compute; `choose_device` tells whether it is there."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps|directml", text):
        known = "auto, cpu, cuda, mps or directml"
        raise argparse.ArgumentTypeError(f"there is no device {text!r}; use {known}")
    return text
