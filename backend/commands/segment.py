"""`editgan segment`: the parts of the subject in a photo, as a picture to repaint."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands.arguments import add_correct, add_photo
from backend.commands.inputs import check_not_input, read_input
from backend.commands.sentences import AboutPhoto, reconstruction_line
from backend.errors import BadImage, BadSetting

if TYPE_CHECKING:
    from backend.commands.session import OpenedSubject
    from backend.photos.photo import Photo


@dataclass(frozen=True)
class ShownPart:
    """A part: its label value, its color as #rrggbb, and how many pixels of the photo show it."""

    name: str
    index: int
    color: str
    pixels: int


@dataclass(frozen=True, kw_only=True)
class SegmentedPhoto(AboutPhoto):
    """output, layers, uncertainty: the files; seconds: of the whole command."""

    output: str
    layers: list[str]
    uncertainty: str | None
    parts: list[ShownPart]
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_photo(parser)
    add_correct(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="PARTS.png",
        help="indexed PNG of the photo's size; palette and names are the model's",
    )  # fmt: skip
    parser.add_argument(
        "--layers", type=Path, metavar="DIR",
        help="also write each part as a transparent PNG of the photo's size",
    )  # fmt: skip
    parser.add_argument(
        "--uncertainty", type=Path, metavar="MAP.png",
        help="also write where the model is unsure of the parts: black where it is sure, white "
        "where it is evenly split between two",
    )  # fmt: skip


def run(args: argparse.Namespace) -> SegmentedPhoto:
    """Segment the photo; raises UserError."""
    from backend.commands.session import open_session
    from backend.photos.files import check_output
    from backend.photos.label_file import LabelMeaning, label_map, write_labels

    began = time.monotonic()
    photo = read_input(args)
    for path in filter(None, (args.output, args.uncertainty)):
        check_output(path)
        check_not_input(path, args.photo)
    if args.uncertainty and args.uncertainty.absolute() == args.output.absolute():
        raise BadSetting("--output and --uncertainty name the same file; use two names.")
    session = open_session(args, photo)
    photo, masks = session.place.photo, session.masks()
    labels = label_map(masks, photo.width, photo.height)
    bundle = session.bundle
    meaning = LabelMeaning(bundle.name, bundle.parts, session.level, bundle.sha)
    write_labels(labels, meaning, args.output)
    layers = _write_layers(masks, photo.width, photo.height, args.layers) if args.layers else []
    if args.uncertainty:
        _write_uncertainty(session, photo, args.uncertainty)
    parts = [
        ShownPart(part.name, part.index, "#{:02x}{:02x}{:02x}".format(*part.color),
                  int((labels == part.index).sum()))
        for part in bundle.parts
    ]  # fmt: skip
    return SegmentedPhoto(
        output=str(args.output),
        layers=layers,
        uncertainty=str(args.uncertainty) if args.uncertainty else None,
        parts=parts,
        **vars(session.about()),
        seconds=round(time.monotonic() - began, 2),
    )


def describe(report: SegmentedPhoto) -> str:
    """The report for people."""
    lines = [f"{report.output}: the parts of subject {report.subject} of {report.subjects}"]
    for part in report.parts:
        amount = f"{part.pixels} pixels" if part.pixels else "not seen"
        lines.append(f"  {part.index:3d} {part.color} {part.name}: {amount}")
    if report.layers:
        lines.append(f"{len(report.layers)} layers in {Path(report.layers[0]).parent}")
    if report.subjects > 1:
        lines.append("Choose another subject with --subject N; 1 is the largest.")
    return "\n".join([*lines, reconstruction_line(report)])


def _write_layers(masks: list[Any], width: int, height: int, folder: Path) -> list[str]:
    import numpy as np

    from backend.photos.files import write_photo
    from backend.photos.photo import Photo

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadImage(f"The folder {folder} cannot be made: {error.strerror}.") from error
    written = []
    for mask in masks:
        pixels = np.empty((height, width, 4), np.uint8)
        pixels[..., :3], pixels[..., 3] = mask.color, 0
        h, w = mask.alpha.shape
        pixels[mask.y : mask.y + h, mask.x : mask.x + w, 3] = mask.alpha
        path = folder / f"{mask.index:02d}-{_file_name(mask.name)}.png"
        write_photo(Photo(pixels), path)
        written.append(str(path))
    return written


def _write_uncertainty(session: OpenedSubject, photo: Photo, path: Path) -> None:
    """A grey picture of the photo's size."""
    import numpy as np

    from backend.photos.files import write_photo
    from backend.photos.photo import Photo

    mask = session.to_photo(session.place.editor.uncertainty(session.opened))
    pixels = np.zeros((photo.height, photo.width, 3), np.uint8)
    h, w = mask.alpha.shape
    pixels[mask.y : mask.y + h, mask.x : mask.x + w] = mask.alpha[..., None]
    write_photo(Photo(pixels, grey=True), path)


def _file_name(part: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in part).strip("-").lower()
