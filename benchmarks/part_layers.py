"""How well the part layers fit parts drawn by hand, and what embedding the parts costs.

Photographs with label maps that no network of the bundle learned from (CelebAMask-HQ's, named in
backend/evaluation/held_out_face_parts.txt) are opened; what 'segment' would write is compared with
the hand-made map inside the frame. Intersection over union of six classes: hair, skin (with ears
and neck), nose, mouth, eyes, brows; pixels of glasses, hats and jewellery do not count. Beside the
layers the parser alone and the reconstruction's own labels; likeness is perceptual distance and
identity of the reconstruction. Below, the layers' row for each kind of hard photo among them
(beards, turned heads, dark skin, hands and hats before faces ...: hard_face_parts.txt).
--web W shrinks the photos to W pixels first, as large as they are on web pages.

    python benchmarks/part_layers.py --images labelled [--bundle faces] [-n 50] [--level fast]
        [--weights 0 0.3 1] [--without-parser] [--web W]
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.bundles import find_bundle  # noqa: E402
from backend.bundles.bundle import Bundle, read_bundle  # noqa: E402
from backend.editing import inversion  # noqa: E402
from backend.editing.editor import Editor, OpenPhoto  # noqa: E402
from backend.evaluation.held_out import hard_photos, held_out_names  # noqa: E402
from backend.evaluation.parsing import Overlap  # noqa: E402
from backend.photos.align import CropFrame, centred  # noqa: E402
from backend.photos.cv import resize, warp_affine  # noqa: E402
from backend.photos.label_file import label_map  # noqa: E402
from backend.training.labelled import UNLABELLED, LabelSet, as_parts  # noqa: E402
from backend.training.part_names import own_sides  # noqa: E402
from protocol.errors import UserError  # noqa: E402

Labels = NDArray[np.uint8]
SIDE = 512  # of the frame that is compared, pixels
SIX = {
    "hair": ("hair",),
    "skin": ("skin", "left ear", "right ear", "neck"),
    "nose": ("nose",),
    "mouth": ("mouth interior", "upper lip", "lower lip"),
    "eyes": ("left eye", "right eye"),
    "brows": ("left brow", "right brow"),
}
HARD = hard_photos("face_parts")


def photos(folder: Path, count: int, bundle: Bundle) -> Iterator[tuple[str, Labels, Labels]]:
    """Name, pixels and the hand-made map by the bundle's parts, of the photos kept out."""
    label_set = LabelSet.open(folder, folder)
    parts = [part.name for part in bundle.parts]
    for name in (held_out_names("face_parts") or [])[:count]:
        labels = as_parts(label_set.map(name), label_set.classes, parts)
        yield name, label_set.photo(name), own_sides(labels, parts)


def in_frame(labels: Labels, frame: CropFrame) -> Labels:
    """A map of the photo within a frame, uint8 [SIDE, SIDE]; UNLABELLED beyond it."""
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    matrix = centred(frame.to_pixels(SIDE))
    return warp_affine(labels, matrix, (SIDE, SIDE), flags=flags, outside=UNLABELLED)


def found_parts(photo: OpenPhoto, size: tuple[int, int]) -> dict[str, Labels]:
    """What each way of finding parts says, uint8 [SIDE, SIDE]."""
    layers = in_frame(label_map(photo.parts, *size), photo.frame)
    maps = {"layers": np.where(layers == UNLABELLED, 0, layers).astype(np.uint8)}
    own = {"parser": photo.seen.labels} if photo.seen else {}
    for name, labels in (own | {"rebuilt": photo.labels}).items():
        maps[name] = resize(labels, (SIDE, SIDE), cv2.INTER_NEAREST)
    return maps


class Table:
    """The overlap of every way, and the likeness of reconstructions."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.overlaps: dict[str, Overlap] = defaultdict(lambda: Overlap(parts))
        self.hard: dict[str, Overlap] = defaultdict(lambda: Overlap(parts))
        self.counts: Counter[str] = Counter()
        self.likeness: list[tuple[float, float]] = []

    def add(self, name: str, photo: OpenPhoto, truth: Labels, size: tuple[int, int]) -> None:
        wanted = in_frame(truth, photo.frame)
        found = found_parts(photo, size)
        for way, labels in found.items():
            self.overlaps[way].add(labels, wanted, wanted != UNLABELLED)
        for kind in (kind for kind, names in HARD.items() if name in names):
            self.hard[kind].add(found["layers"], wanted, wanted != UNLABELLED)
            self.counts[kind] += 1
        report = photo.report
        self.likeness.append((report.perceptual or 0.0, report.identity or 0.0))

    def show(self, title: str) -> None:
        far, alike = np.mean(self.likeness, axis=0)
        print(f"{title}: {len(self.likeness)} photos, perceptual {far:.4f}, identity {alike:.3f}")
        print(" " * 14 + "".join(f"{name:>8}" for name in (*SIX, "mean")))
        for name, overlap in self.overlaps.items():
            _show_row(name, overlap)
        for kind, overlap in sorted(self.hard.items()):
            _show_row(f"{kind} {self.counts[kind]}", overlap)


def _show_row(name: str, overlap: Overlap) -> None:
    six = overlap.merged(SIX)
    values = (*six.values(), float(np.nanmean(list(six.values()))))
    print(f"  {name:12}" + "".join(f"{v:8.3f}" for v in values), flush=True)


def smaller(pixels: Labels, truth: Labels, width: int) -> tuple[Labels, Labels]:
    """A photo and its map at a width, as saved for a web page."""
    height = round(pixels.shape[0] * width / pixels.shape[1])
    small = resize(pixels, (width, height), cv2.INTER_AREA)
    return small, resize(truth, (width, height), cv2.INTER_NEAREST)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="photos N.*, maps N_parts.png")
    parser.add_argument("--bundle", default="faces", help="name, or folder of a bundle")
    parser.add_argument("-n", "--count", type=int, default=50)
    parser.add_argument("--level", default="fast", choices=list(inversion.LEVELS))
    parser.add_argument("--weights", type=float, nargs="*", help="of the parts in embedding")
    parser.add_argument("--without-parser", action="store_true", help="as bundles without one")
    parser.add_argument("--web", type=int, metavar="W", help="shrink photos to W pixels first")
    args = parser.parse_args()
    folder = Path(args.bundle)
    bundle = read_bundle(folder) if folder.is_dir() else find_bundle(args.bundle)
    editor = Editor(bundle)
    if args.without_parser:
        editor.engine.networks = dataclasses.replace(editor.networks, parser=None)
    level = inversion.LEVELS[args.level]
    cases = list(photos(args.images, args.count, bundle))
    if args.web:
        cases = [(name, *smaller(pixels, truth, args.web)) for name, pixels, truth in cases]
    for weight in args.weights or [level.parts]:
        inversion.LEVELS[args.level] = dataclasses.replace(level, parts=weight)
        table = Table([part.name for part in bundle.parts])
        for name, pixels, truth in cases:
            try:
                frame = editor.find_subjects(pixels)[0].frame
            except UserError as error:
                print(f"{name}: {error}")
                continue
            size = pixels.shape[1], pixels.shape[0]
            table.add(name, editor.open(pixels, frame, level=args.level), truth, size)
        table.show(f"{args.level}, parts {weight:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
