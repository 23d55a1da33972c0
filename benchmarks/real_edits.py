#!/usr/bin/env python3
"""Real edits on large photos, by paste, residual and flow, and by doing nothing at all.

The bundle's own presets are applied to portraits that are enlarged to a side of 1024 pixels or
more. Each composite is embedded and segmented anew, as a photo of its own. Two figures together,
because doing nothing wins either one: IoU of the re-segmented composite with the parts that the
edit asks for, and the amount of fine detail inside the region relative to the photo's own.

    python benchmarks/real_edits.py [--photos DIR] [-n 6] [--side 1024] [--edits smile] [-o SHEET]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.bundles import find_bundle  # noqa: E402
from backend.editing.editor import Editor, EditResult, OpenPhoto, ScaledEdit  # noqa: E402
from backend.editing.region import shown_region  # noqa: E402
from backend.photos.pixels import from_bytes  # noqa: E402
from benchmarks.composites import METHODS, Image, cut_out, edited_photos, fine_detail  # noqa: E402
from benchmarks.photo_detail import faces  # noqa: E402
from edit_library import Library  # noqa: E402
from protocol.facts import ApplyReport  # noqa: E402

NAMES = ("nothing", *METHODS)


@dataclass(frozen=True, eq=False)
class Edited:
    """One edit of one photo: the pictures by method, alpha, and the labels that it asks for."""

    pictures: dict[str, Image]
    alpha: Image
    result: EditResult[ApplyReport]


def apply(editor: Editor, photo: OpenPhoto, edit: ScaledEdit) -> Edited:
    result = editor.apply(photo, [edit])
    before = photo.rebuilt.clip(-1, 1).transpose(1, 2, 0)
    after = from_bytes(result.crop)
    own = photo.pixels.astype(np.float32) / np.float32(255)
    shown = shown_region(editor.engine.region(photo, result.labels, edit.parts), photo.valid)
    pictures, alpha = edited_photos(own, photo.frame, before, after, shown)
    blended = {name: own + alpha * (picture - own) for name, picture in pictures.items()}
    return Edited({"nothing": own, **blended}, alpha, result)


def iou(a: NDArray[np.uint8], b: NDArray[np.uint8], parts: list[int]) -> float:
    """Intersection over union of what belongs to any of `parts` in two label maps."""
    first, second = np.isin(a, parts), np.isin(b, parts)
    return float((first & second).sum() / max((first | second).sum(), 1))


def figures(
    editor: Editor, photo: OpenPhoto, edit: ScaledEdit, edited: Edited, level: str
) -> dict[str, dict[str, float]]:
    """IoU with the labels asked for, and the amount of fine detail, of every method."""
    parts = editor.engine.indices(edit.parts)
    inside = edited.alpha[..., 0] > 0.5
    own = (fine_detail(edited.pictures["nothing"], photo.frame)[inside] ** 2).sum()
    found = {}
    for name in NAMES:
        pixels = np.rint(edited.pictures[name].clip(0, 1) * 255).astype(np.uint8)
        labels = editor.open(pixels, photo.frame, level=level).labels
        fine = (fine_detail(edited.pictures[name], photo.frame)[inside] ** 2).sum()
        found[name] = {
            "iou": iou(labels, edited.result.labels, parts),
            "detail": float(fine / max(own, 1e-9)),
        }
    return found


def edits_of(editor: Editor, names: list[str] | None, scale: float) -> Iterator[ScaledEdit]:
    library, bundle = Library.for_presets(), editor.bundle
    for name in names or [info.name for info in library.list(bundle.name)]:
        edit = library.get(bundle.name, name)
        yield ScaledEdit(edit.vector, tuple(edit.info.parts), scale)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="faces")
    parser.add_argument(
        "--photos", type=Path, help="folder of portraits (default: the shipped one)"
    )
    parser.add_argument("-n", "--count", type=int, default=6, help="photos to use at most")
    parser.add_argument(
        "--side", type=int, default=1024, help="enlarge smaller photos to this side"
    )
    parser.add_argument("--edits", nargs="*", help="names of presets (default: all)")
    parser.add_argument("--level", default="fast", help="inversion level (default: fast)")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("-o", "--output", type=Path, help="contact sheet to write (PNG)")
    parser.add_argument("--sheet-only", action="store_true", help="no figures: much faster")
    args = parser.parse_args()
    editor = Editor(find_bundle(args.bundle))
    rows: dict[str, list[dict[str, float]]] = defaultdict(list)
    sheet = []
    for _, pixels, frame in faces(args.photos, args.count, args.side):
        photo = editor.open(pixels, frame, level=args.level)
        for edit in edits_of(editor, args.edits, args.scale):
            edited = apply(editor, photo, edit)
            generated = cv2.resize(edited.result.crop, (1024, 1024), interpolation=cv2.INTER_CUBIC)
            whole = type(frame)(np.array([[0, 0], [0, 1024], [1024, 1024], [1024, 0]]))
            cuts = [cut_out(edited.pictures[name], frame) for name in NAMES]
            cuts.append(cut_out(generated.astype(np.float32) / np.float32(255), whole))
            sheet.append(np.concatenate(cuts, axis=1))
            if not args.sheet_only:
                for name, found in figures(editor, photo, edit, edited, args.level).items():
                    rows[name].append(found)
    if not sheet:
        print("No face was found in any photo; give a folder of portraits.", file=sys.stderr)
        return 1
    if args.output:
        cv2.imwrite(str(args.output), np.concatenate(sheet)[..., ::-1])
    means = {
        name: {key: round(float(np.mean([f[key] for f in found])), 3) for key in found[0]}
        for name, found in rows.items()
    }
    for name, found in means.items():
        print(f"{name:10} IoU {found['iou']:.3f}  fine detail {found['detail']:.2f}")
    print(json.dumps({"photos": len(sheet), "methods": means}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
