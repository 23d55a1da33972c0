#!/usr/bin/env python3
"""Finished photos, as their owners see them: every preset and nine repaints on real portraits.

For each edit the generator's pictures are made once and composited by this engine and, with
--against, by that of an earlier revision too. Printed as means over the photos:

folded    share of the layer where the motion folds, and the smallest determinant of its Jacobian
detail    fine detail in the layer relative to the photo's own there (1 is right)
asked     IoU of the finished photo's parts, read by the face parser, with those asked for; `was` is
          the untouched photo's
landmark  change of what face landmarks measure of this edit; `model` in the generator's picture
fresh     sharpness of new parts relative to the photo around them
outside   bytes that differ from the photo where the layer is clear
seconds   for the composite alone

    python benchmarks/real_photos.py --photos DIR [DIR ...] [-n 40] [--edits smile] [--repaints]
        [--landmarks face_landmarker.task] [--against REVISION] [--sheets DIR] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.bundles import find_bundle  # noqa: E402
from backend.editing.editor import Editor, OpenPhoto, ScaledEdit  # noqa: E402
from backend.editing.engine import picture_of  # noqa: E402
from backend.editing.options import Optimisation  # noqa: E402
from backend.editing.repainting import optimise_code  # noqa: E402
from backend.photos.align import extract  # noqa: E402
from backend.photos.formats import open_picture  # noqa: E402
from backend.photos.label_edit import read_label_edit  # noqa: E402
from benchmarks.finished_photos import (  # noqa: E402
    Edit,
    Judge,
    Pixels,
    by_motion,
    by_revision,
    figures,
)
from benchmarks.former_composite import FLOW  # noqa: E402
from benchmarks.repaints import PAINTINGS, painted_layers  # noqa: E402
from edit_library import Library  # noqa: E402
from protocol.errors import UserError  # noqa: E402
from protocol.settings import Settings  # noqa: E402

STEPS = 40
_TILE, _MARGIN = 420, 0.06  # of the sheets, at 100 % where the photo is large enough


@dataclass
class Table:
    """Values by edit, engine and figure."""

    values: dict[tuple[str, str], dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, edit: str, engine: str, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self.values[edit, engine][name].append(value)

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"edit": edit, "engine": engine, "photos": len(next(iter(found.values())))}
            | {name: _summary(name, values) for name, values in found.items()}
            for (edit, engine), found in self.values.items()
        ]


def _summary(name: str, values: list[float]) -> float:
    known = np.array([value for value in values if np.isfinite(value)])
    if not known.size:
        return float("nan")
    least_or_sum: dict[str, Callable[[NDArray[np.float64]], np.float64]] = {
        "determinant": np.min, "outside": np.sum, "seconds": np.median,
    }  # fmt: skip
    return round(float(least_or_sum.get(name, np.mean)(known)), 4)


def preset_edits(editor: Editor, photo: OpenPhoto, names: list[str] | None) -> Iterator[Edit]:
    """Every preset at its default and at the ends of its range."""
    library, bundle = Library.for_presets(), editor.bundle
    for info in library.list(bundle.name):
        if names is not None and info.name not in names:
            continue
        vector = library.get(bundle.name, info.name).vector
        for label, scale in (("", info.default), (" most", info.high)):
            if label and scale == info.default:
                continue
            delta = editor.engine.delta([ScaledEdit(vector, info.parts, scale)])
            image, labels = editor.engine.segmented(editor.engine.tensor(photo.w_plus) + delta)
            region = editor.engine.region(photo, labels, info.parts)
            change = photo.part_change(labels, editor.engine.roles)
            yield Edit(
                info.name + label,
                picture_of(image),
                region,
                change,
                editor.engine.indices(info.parts),
            )


def repaint_edits(editor: Editor, photo: OpenPhoto) -> Iterator[Edit]:
    """The repaints, optimised for STEPS steps."""
    parts = editor.bundle.parts
    for name, painting in PAINTINGS.items():
        layers = painted_layers(photo, editor.bundle, painting)
        if not layers:
            continue  # the part is not in this photo
        try:
            label_edit = read_label_edit(photo.parts, layers, photo.frame, photo.labels, parts)
        except UserError:
            continue  # too small a change
        found = optimise_code(editor.engine, photo, label_edit, Optimisation(STEPS))
        change = photo.part_change(found.labels, editor.engine.roles).asking(label_edit, alone=True)
        yield Edit(
            f"paint {name}",
            picture_of(found.after),
            found.region,
            change,
            editor.engine.indices(label_edit.parts),
        )


def photos(folders: list[Path], count: int, editor: Editor) -> Iterator[tuple[str, OpenPhoto]]:
    """The first photos of each folder in which a face is found, embedded as by default."""
    for folder in folders:
        files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        taken = 0
        for path in files:
            if taken == count or path.suffix.lower() not in (".jpg", ".png", ".webp"):
                continue
            with open_picture(path) as image:
                pixels = np.asarray(image.convert("RGB"))
            try:
                frame = editor.find_subjects(pixels)[0].frame
                photo = editor.open(pixels, frame, level=Settings().level)
            except UserError:
                continue
            taken += 1
            yield path.name, photo


def tile(photo: OpenPhoto, pixels: Pixels, region: NDArray[np.bool_]) -> Pixels:
    """What is around a region, at 100 % where the photo is large enough: [T, T, 3]."""
    size = len(region)
    x, y, w, h = cv2.boundingRect(region.astype(np.uint8))
    side = max(w, h) / size + 2 * _MARGIN
    corner = ((x + w / 2) / size - side / 2, (y + h / 2) / size - side / 2)
    crop, _ = extract(pixels, photo.frame.part(*corner, side), _TILE)
    return np.rint((crop + 1) * 127.5).astype(np.uint8)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or files")
    parser.add_argument("-n", "--count", type=int, default=40, help="photos of each, at most")
    parser.add_argument("--edits", nargs="*", help="names of presets (default: all)")
    parser.add_argument("--repaints", action="store_true", help="the repaints as well")
    parser.add_argument("--landmarks", type=Path, help="a face_landmarker.task file")
    parser.add_argument("--against", help=f"revision to compare with, such as {FLOW}")
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets, one for each edit")
    parser.add_argument("--bundle", default="faces")
    parser.add_argument("--json", action="store_true", help="print one JSON object only")
    return parser.parse_args()


def main() -> int:
    args = parse()
    editor = Editor(find_bundle(args.bundle))
    judge, table = Judge(editor, args.landmarks), Table()
    engines = {"before": by_revision(args.against)} if args.against else {}
    engines["now"] = by_motion
    sheets: dict[str, list[Pixels]] = defaultdict(list)
    count = 0
    for name, photo in photos(args.photos, args.count, editor):
        count += 1
        print(f"{count}: {name}", file=sys.stderr, flush=True)
        edits = list(preset_edits(editor, photo, args.edits))
        edits += repaint_edits(editor, photo) if args.repaints else []
        for edit in edits:
            tiles = [tile(photo, np.asarray(photo.pixels), edit.region)]
            for engine, finish in engines.items():
                done = finish(photo, edit)
                table.add(edit.name, engine, figures(photo, edit, done, judge))
                tiles.append(tile(photo, done.pixels, edit.region))
            sheets[edit.name].append(np.concatenate(tiles, axis=1))
    show(table, as_json=args.json)
    for name, rows in sheets.items() if args.sheets else ():
        args.sheets.mkdir(parents=True, exist_ok=True)
        sheet = Image.fromarray(np.concatenate(rows))
        sheet.save(args.sheets / f"{name.replace(' ', '-')}.jpg", quality=92)
    return 0 if count else 1


def show(table: Table, *, as_json: bool) -> None:
    rows = table.rows()
    if as_json:
        print(json.dumps({"rows": rows}))
        return
    names = ("folded", "determinant", "detail", "was", "asked", "landmark", "model", "fresh",
             "outside", "seconds")  # fmt: skip
    print(f"{'edit':24} {'engine':7} {'n':>3} " + " ".join(f"{n:>11}" for n in names))
    for row in rows:
        cells = " ".join(f"{row.get(n, float('nan')):11.4f}" for n in names)
        print(f"{row['edit']:24} {row['engine']:7} {row['photos']:3} {cells}")


if __name__ == "__main__":
    raise SystemExit(main())
