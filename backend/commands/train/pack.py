"""`editgan train pack`: aligned pictures as small archives, to train on another machine."""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from backend.commands.arguments import positive
from backend.errors import BadSetting
from backend.photos.output import replace_file
from backend.training.dataset import AlignedDataset

_MIB = 1 << 20
_LISTED = 128  # bytes that an entry takes besides picture and name, at most


@dataclass(frozen=True)
class PackTrainingReport:
    """What the command reports."""

    archives: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, nargs="+", required=True, help="folders from `train align`"
    )
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder for the archives")
    parser.add_argument("--most", type=positive, default=60, metavar="MIB", help="of each archive")
    parser.add_argument("--quality", type=positive, default=92, help="of WebP, 1..100")


def run(args: argparse.Namespace) -> PackTrainingReport:
    """`editgan train pack`: one or more archives for each folder."""
    args.output.mkdir(parents=True, exist_ok=True)
    written = [str(path) for folder in args.images for path in _packed(folder, args)]
    return PackTrainingReport(written)


def _packed(folder: Path, args: argparse.Namespace) -> list[Path]:
    """The archives of one folder, `NAME-0.zip` upwards."""
    data, written = AlignedDataset(folder), list[Path]()
    shown = tqdm(data.names, desc=folder.name, unit="img", disable=args.quiet or None)
    pictures = ((name, _webp(data, i, args.quality)) for i, name in enumerate(shown))
    for number, some in enumerate(_groups(pictures, args.most * _MIB)):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, picture in some:
                archive.writestr(name, picture)
        path = args.output / f"{folder.name}-{number}.zip"
        replace_file(path, file.getvalue())
        written.append(path)
    return written


def _webp(data: AlignedDataset, index: int, quality: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(data.picture(index)).save(file, "WEBP", quality=quality)
    return file.getvalue()


def _groups(pictures: Iterator[tuple[str, bytes]], most: int) -> Iterator[list[tuple[str, bytes]]]:
    """Pictures in groups whose archives take no more than `most` bytes; raises BadSetting where
    one picture does."""
    group, size = list[tuple[str, bytes]](), 0
    for name, picture in pictures:
        taken = len(picture) + 2 * len(name.encode()) + _LISTED
        if taken > most:
            raise BadSetting(f"'{name}' alone is larger than an archive may be; allow for more.")
        if size + taken > most:
            yield group
            group, size = [], 0
        group.append((name, picture))
        size += taken
    if group:
        yield group


def describe(report: PackTrainingReport) -> str:
    return "\n".join(report.archives)
