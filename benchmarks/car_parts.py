"""How well a model of cars finds their parts, against maps drawn by hand.

The photographs of Car-Parts-Segmentation (Pasupa et al. 2021), which nothing of the model learned
from, are cut to the car's box and opened; what both know is compared: nine classes, intersection
over union. That set's doors have their windows in them, its bumpers the grille and the plate, and
roofs, wings and boot lids are no part of it. Its photographs were squeezed from 4:3 into squares:
they are spread again. Cars that are cut off or small are passed over. --around leaves the photo
around the car and selects the box instead, as somebody would in GIMP.

    python benchmarks/car_parts.py --images car_parts [--bundle cars] [-n 40] [--level fast]
        [--around]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.bundles.registry import bundle_at  # noqa: E402
from backend.editing import inversion  # noqa: E402
from backend.editing.editor import Editor  # noqa: E402
from backend.evaluation.parsing import Overlap  # noqa: E402
from backend.photos.cv import resize  # noqa: E402
from backend.photos.folder import read_rgb  # noqa: E402
from backend.training.labelled import UNLABELLED, read_label_map  # noqa: E402
from benchmarks.part_layers import found_parts, in_frame  # noqa: E402
from protocol.geometry import Rect  # noqa: E402

Labels = NDArray[np.uint8]
REST = "rest"
BOTH = {  # by the class's name in the label set, and by the bundle's part
    "bumper": (("front_bumper", "back_bumper"), ("bumper", "grille", "licence plate")),
    "bonnet": (("hood",), ("bonnet",)),
    "windscreen": (("front_glass",), ("windscreen",)),
    "rear window": (("back_glass",), ("rear window",)),
    "door": (
        ("front_left_door", "front_right_door", "back_left_door", "back_right_door"),
        ("door", "side window"),
    ),
    "headlight": (("front_left_light", "front_right_light"), ("headlight",)),
    "tail light": (("back_left_light", "back_right_light"), ("tail light",)),
    "mirror": (("left_mirror", "right_mirror"), ("mirror",)),
    "wheel": (("wheel",), ("tyre", "wheel hub")),
}
CLASSES = (REST, *BOTH)
_ROOF = 0.07  # of the box's height: the roof above the glass, which the set does not label
_LEAST = 0.4  # of the photo's width: smaller cars are passed over


def cases(folder: Path) -> Iterator[tuple[str, Labels, Labels, Rect]]:
    """Name, pixels, map by CLASSES, and the car's box, of the cars that are shown whole."""
    (list_file,) = folder.rglob("classes.json")
    names: dict[str, str] = json.loads(list_file.read_text(encoding="utf-8"))
    table = np.zeros(256, np.uint8)
    for value, name in names.items():
        for index, (theirs, _) in enumerate(BOTH.values(), start=1):
            if name in theirs:
                table[int(value)] = index
    for path in sorted(list_file.parent.glob("*_parts.png")):
        known = read_label_map(path, len(names))
        pixels = read_rgb(path.with_name(path.name.replace("_parts.png", ".webp")))
        height, width = known.shape[0], round(known.shape[0] * 4 / 3)
        spread = resize(known, (width, height), cv2.INTER_NEAREST)
        left, top, wide, high = cv2.boundingRect((spread > 1).astype(np.uint8))
        raised = max(round(top - _ROOF * high), 0)
        box = Rect(left, raised, wide, top + high - raised)
        if wide < _LEAST * width or left < 2 or left + wide > width - 2:
            continue
        photo = resize(pixels, (width, height), cv2.INTER_LINEAR)
        yield path.stem.removesuffix("_parts"), photo, table[spread], box


def show(overlaps: dict[str, Overlap], likeness: list[float]) -> None:
    print(f"{len(likeness)} photos, perceptual {np.mean(likeness):.4f}")
    print(" " * 9 + "".join(f"{name:>12}" for name in (*BOTH, "mean", REST)))
    for way, overlap in overlaps.items():
        iou = overlap.iou()
        rest = iou.pop(REST)
        values = (*iou.values(), float(np.nanmean(list(iou.values()))), rest)
        print(f"{way:9}" + "".join(f"{value:12.3f}" for value in values))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="photos N.*, maps N_parts.png")
    parser.add_argument("--bundle", type=Path, default=Path("cars"), help="name, or folder")
    parser.add_argument("-n", "--count", type=int, default=40)
    parser.add_argument("--level", default="fast", choices=list(inversion.LEVELS))
    parser.add_argument("--around", action="store_true", help="select the box in the whole photo")
    args = parser.parse_args()
    editor = Editor(bundle_at(args.bundle))
    table = np.zeros(256, np.uint8)
    for index, (_, ours) in enumerate(BOTH.values(), start=1):
        table[[part.index for part in editor.bundle.parts if part.name in ours]] = index
    overlaps = {way: Overlap(CLASSES) for way in ("layers", "rebuilt")}
    likeness: list[float] = []
    everything = list(cases(args.images))
    for i in np.random.default_rng(0).permutation(len(everything))[: args.count]:
        _, photo, truth, box = everything[i]
        if not args.around:
            x, y, w, h = box
            photo, truth = photo[y : y + h, x : x + w], truth[y : y + h, x : x + w]
        frame = editor.find_subjects(photo, box if args.around else None)[0].frame
        opened = editor.open(photo, frame, level=args.level)
        wanted = in_frame(truth, frame)
        known = (wanted != UNLABELLED) & (in_frame(within(box, truth, args.around), frame) == 1)
        for way, labels in found_parts(opened, (photo.shape[1], photo.shape[0])).items():
            overlaps[way].add(table[labels], wanted, known)
        likeness.append(opened.report.perceptual or 0.0)
    show(overlaps, likeness)
    return 0


def within(box: Rect, truth: Labels, around: bool) -> Labels:
    """1 in the box, which is all that is compared; uint8 [H, W]."""
    inside = np.zeros_like(truth)
    x, y, w, h = box if around else Rect(0, 0, truth.shape[1], truth.shape[0])
    inside[y : y + h, x : x + w] = 1
    return inside


if __name__ == "__main__":
    sys.exit(main())
