"""What a photographer's files lose on their way through `editgan apply`, and what the way costs.

    python benchmarks/round_trip.py PHOTO_OR_FOLDER... [--edit smile] [--level fast]
    python benchmarks/round_trip.py PHOTO_OR_FOLDER... --paint
    python benchmarks/round_trip.py --large

Every picture goes through an edit of scale 0 and of scale 1 and back into a file of its own kind.
exiftool says what is lost by tag group; tifffile, imagecodecs and Pillow count channels, pages and
chunks, and pixels that changed: none at scale 0, none outside the subject's rectangle at scale 1.
A palette is compared by its colours, and what these programs cannot decode is named.
--paint: a grey rectangle instead of an edit, for pictures of all kinds, which show nobody.
--large: seconds for a 24-megapixel 16-bit TIFF beside the engine's own time, by compression.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import ImageOps

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/support")]

from file_tools import NOTE, complaints_of, tags_of  # noqa: E402

from backend.cli import main as editgan  # noqa: E402
from backend.errors import BadImage  # noqa: E402
from backend.photos.files import check_output, notes, read_photo, write_photo  # noqa: E402
from backend.photos.folder import find_images  # noqa: E402
from backend.photos.formats import open_picture  # noqa: E402
from backend.session.declaration import declared  # noqa: E402
from protocol.provenance import SourceType  # noqa: E402

GOAL_SECONDS = 6.0
WRITABLE = {".png", ".tif", ".tiff", ".jpg", ".jpeg", ".mpo", ".webp", ".avif"}
LOSSY = (".jpg", ".jpeg", ".mpo", ".avif")
_AS_KIND = re.compile("Missing required|not allowed in TIFF")
MOST_PAGES = 100  # some files' go round in circles
# Groups of exiftool's about a kind of file, not about the photo.
OF_THE_KIND = ("File", "GIF", "Jpeg2000", "Meta", "QuickTime")
_CHANGED: SourceType = "compositeWithTrainedAlgorithmicMedia"


@dataclass(frozen=True)
class Loss:
    """What one round trip cost: tags by group, chunks, complaints; changed pixels, None where they
    cannot be compared; unread: why."""

    tags: dict[str, list[str]]
    blocks: list[str]
    complaints: set[str]
    pixels: int | None
    unread: str = ""

    def is_none(self) -> bool:
        return not (self.tags or self.blocks or self.complaints or self.pixels)

    def __str__(self) -> str:
        said = [f"{group}: {', '.join(names)}" for group, names in self.tags.items()]
        said += [f"blocks: {', '.join(self.blocks)}"] if self.blocks else []
        said += [f"exiftool: {line}" for line in sorted(self.complaints)]
        said += [f"{self.pixels} pixels changed outside the subject"] if self.pixels else []
        said += [f"pixels not compared: {self.unread}"] if self.unread else []
        return "; ".join(said) or "nothing lost"


def lost(before: Path, after: Path, rect: list[int] | None) -> Loss:
    """rect: x, y, w, h in which pixels may change, upright; None for nowhere."""
    old, new = tags_of(before), tags_of(after)
    same_kind = before.suffix == after.suffix
    for found in (old, new):
        found.pop(NOTE, None)
        if before.suffix == ".webp":  # with the note it is "Extended WEBP"
            found.pop("File:FileType", None)
    groups: dict[str, list[str]] = {}
    for key, value in old.items():
        group, _, name = key.partition(":")
        if new.get(key) == value or (not same_kind and group in OF_THE_KIND):
            continue
        if same_kind or name != "Orientation":  # pixels are compared upright
            groups.setdefault(group, []).append(name)
    gone, pixels, unread = Counter[str](), None, ""
    try:
        gone = blocks_of(before) - blocks_of(after) if same_kind else gone
        pixels = None if after.suffix.lower() in LOSSY else changed(before, after, rect)
    except Exception as error:  # decoders meet damage with many kinds of exceptions
        unread = str(error)
    complaints = complaints_of(after) - complaints_of(before)
    if not same_kind:  # nobody has said what another kind of file should say
        complaints = {line for line in complaints if not _AS_KIND.search(line)}
    return Loss(groups, sorted(gone), complaints, pixels, unread)


def blocks_of(path: Path) -> Counter[str]:
    """PNG chunks, TIFF pages with their channels, frames: what a program could miss."""
    data = path.read_bytes()
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        with tifffile.TiffFile(path) as file:
            pages = islice(file.pages, MOST_PAGES)
            return Counter(
                f"page of {p.keyframe.samplesperpixel} channels" for p in pages if p.keyframe
            )
    if data[:4] == b"\x89PNG":
        kinds, at = Counter[str](), 8
        while at + 8 <= len(data):
            kinds[data[at + 4 : at + 8].decode("latin-1")] += 1
            at += 12 + int.from_bytes(data[at : at + 4], "big")
        del kinds["IDAT"]
        return kinds
    with open_picture(path) as image:
        return Counter({"frame": getattr(image, "n_frames", 1)})


def decoded(path: Path) -> NDArray[Any]:
    """The values of the first full picture, upright, [H, W, C]."""
    data = path.read_bytes()
    if data[:2] in (b"II", b"MM"):
        with tifffile.TiffFile(path) as file:
            pages = [*islice(file.pages, MOST_PAGES), *(file.pages.first.pages or ())]
            page = next((p for p in pages if not p.is_reduced), pages[0])
            values = page.asarray()
            if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
                values = np.moveaxis(page.colormap[:, values] >> 8, 0, -1).astype(np.uint8)
            elif page.bitspersample < 8:
                values = values.astype(np.uint8) * (255 // (2**page.bitspersample - 1))
            if page.planarconfig == 2 and values.ndim == 3:
                values = np.moveaxis(values, 0, -1)
            turned = page.tags.get(274)
            return upright(np.atleast_3d(values), turned.value if turned else 1)
    if data[:4] == b"\x89PNG" and data[24] == 16:
        values = imagecodecs.png_decode(data)
        with open_picture(path) as image:
            return upright(np.atleast_3d(values), image.getexif().get(274, 1))
    with open_picture(path) as image:
        picture = ImageOps.exif_transpose(image)
        if picture.mode == "1":
            picture = picture.convert("L")
        elif picture.mode in ("P", "PA"):
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        return np.atleast_3d(np.asarray(picture))


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """By EXIF's table; not the product's own routine."""
    turns = {3: 2, 6: 3, 8: 1, 5: 1, 7: 3}
    if orientation in (2, 5, 7, 4):
        values = values[::-1] if orientation == 4 else values[:, ::-1]
    return np.rot90(values, turns.get(orientation, 0))


def changed(before: Path, after: Path, rect: list[int] | None) -> int:
    """Pixels whose values differ outside a rectangle."""
    old, new = decoded(before), decoded(after)
    if old.shape != new.shape or old.dtype != new.dtype:
        return int(old.shape[0] * old.shape[1])
    differ = (old != new).any(axis=2)
    if rect:
        x, y, w, h = rect
        differ[y : y + h, x : x + w] = False
    return int(differ.sum())


def applied(path: Path, out: Path, scale: int, *, edit: str, level: str) -> dict[str, Any]:
    """The report of `editgan apply`, or its error."""
    one = f"{edit}:{scale}"
    words = ["apply", str(path), "--edit", one, "--level", level, "-o", str(out), "--json"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        editgan([*words, "--quiet"])
    return dict(json.loads(printed.getvalue()))


def painted(path: Path, out: Path, scale: int) -> dict[str, Any]:
    """The report of a photo with a grey rectangle in its middle, or its error."""
    try:
        photo = read_photo(path)
        check_output(out, photo)
        x, y, w, h = (side // 4 for side in (photo.width, photo.height) * 2)
        layer = Painted(x, y, np.full((2 * h, 2 * w, 4), 0.5 * scale, np.float32))
        write_photo(declared(photo.with_layer(layer), _CHANGED), out)
    except BadImage as error:
        return {"error": {"message": error.message}}
    except Exception as error:
        return {"error": {"message": f"FAULT: {error!r}"}}
    return {"rect": [x, y, 2 * w, 2 * h], "note": notes(photo, out)}


def round_trips(
    paths: list[Path], work: Callable[[Path, Path, int], dict[str, Any]], folder: Path
) -> Iterator[bool]:
    """Prints a line per file and scale; yields whether nothing was lost."""
    for path in paths:
        suffix = path.suffix if path.suffix.lower() in WRITABLE else ".tif"
        for scale in (0, 1):
            out = folder / f"{path.stem}-{scale}{suffix}"
            report = work(path, out, scale)
            if "error" in report:
                print(f"{path.name} x {scale}: refused: {report['error']['message']}", flush=True)
                continue
            loss = lost(path, out, report["rect"] if scale else None)
            note = f" ({report['note']})" if report["note"] else ""
            print(f"{path.name} -> {out.suffix} x {scale}: {loss}{note}", flush=True)
            yield loss.is_none()


def large_times() -> Iterator[tuple[str, float, float]]:
    """Seconds to read and write a 24-megapixel 16-bit TIFF around an edit, by compression.

    The clock's, which a busy machine lengthens, and the processor's, all threads together.
    """
    ramp = np.random.default_rng(1).normal(0, 300, (4000, 6000, 3)).astype(np.int32)
    ramp += np.linspace(2000, 60000, 6000, dtype=np.int32)[:, None]
    values = np.clip(ramp, 0, 65535).astype(np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        for name, compression in {"uncompressed": None, "LZW": "lzw", "deflate": "zlib"}.items():
            path, out = Path(folder, f"{name}.tif"), Path(folder, f"{name}-out.tif")
            tifffile.imwrite(
                path, values, photometric="rgb", rowsperstrip=64, compression=compression,
                predictor=2 if compression else None,
            )  # fmt: skip
            layer = Painted(2000, 1000, np.full((2000, 1500, 4), 0.5, np.float32))
            began, busy = time.perf_counter(), time.process_time()
            photo = read_photo(path)
            check_output(out, photo)
            write_photo(photo.with_layer(layer), out)
            yield name, time.perf_counter() - began, time.process_time() - busy
            same = np.ones(values.shape[:2], bool)
            same[1000:3000, 2000:3500] = False
            assert np.array_equal(tifffile.imread(out)[same], values[same])


@dataclass(frozen=True)
class Painted:
    """A layer."""

    x: int
    y: int
    pixels: NDArray[np.float32]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path, help="photos and folders of photos")
    parser.add_argument("--edit", default="smile", help="an edit of the library")
    parser.add_argument("--level", default="fast", help="how closely photos are embedded")
    parser.add_argument("--paint", action="store_true", help="a rectangle instead of an edit")
    parser.add_argument("--large", action="store_true", help="time a 24-megapixel TIFF instead")
    options = parser.parse_args()
    if options.large:
        slow = 0
        for name, seconds, busy in large_times():
            slow += seconds > GOAL_SECONDS
            print(
                f"24 megapixels, 16 bit, {name}: {seconds:.1f} s (goal {GOAL_SECONDS:g} s), "
                f"{busy:.1f} s of the processor's", flush=True,
            )  # fmt: skip
        return 1 if slow else 0
    subprocess.run(["exiftool", "-ver"], check=True, capture_output=True)
    paths = find_images(options.photos or [ROOT / "assets/portrait.png"])
    work = partial(applied, edit=options.edit, level=options.level)
    with tempfile.TemporaryDirectory() as folder:
        whole = list(round_trips(paths, painted if options.paint else work, Path(folder)))
    print(f"{sum(whole)} of {len(whole)} round trips without a loss")
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
