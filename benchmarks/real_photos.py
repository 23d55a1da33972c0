#!/usr/bin/env python3
"""Finished photos, as their owners see them: every preset and eight repaints on real portraits.

For each edit the generator's pictures are made once and composited twice: by an earlier revision's
engine and by this one. Printed for both, as means over the photos:

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
import time
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
from backend.editing.model import picture_of  # noqa: E402
from backend.editing.photo_parts import read_parts  # noqa: E402
from backend.editing.preview import laid_over  # noqa: E402
from backend.editing.region import shown_region  # noqa: E402
from backend.errors import EditGanError  # noqa: E402
from backend.evaluation.face_mesh import FaceMesh, FaceShape  # noqa: E402
from backend.evaluation.measures import FACE_MEASURES  # noqa: E402
from backend.photos.align import CropFrame, extract  # noqa: E402
from backend.photos.composite import ResultLayer, draw, plan  # noqa: E402
from backend.photos.motion.diffeomorphism import determinants  # noqa: E402
from backend.photos.motion.part_change import PartChange  # noqa: E402
from backend.photos.painted import read_painted  # noqa: E402
from benchmarks.former_composite import FLOW, load_former, recorded_shifts  # noqa: E402
from benchmarks.repaints import PAINTINGS, painted_layers  # noqa: E402
from edit_library import Library  # noqa: E402

Pixels = NDArray[np.uint8]
STEPS = 40
_READ = 512  # side of the crops that landmarks are read in
_TILE, _MARGIN = 420, 0.06  # of the sheets, at 100 % where the photo is large enough
_MEASURED = {  # the landmark measure of a repaint is that of the preset that is most like it
    "closed eyes": "closed-eyes", "bigger smile": "smile", "slimmer nose": "slimmer-nose",
    "fuller lower lip": "fuller-lips",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Edit:
    """An edit in the generator: after [R, R, 3] in [-1, 1], its region [L, L], and the label
    values of the parts that it is about."""

    name: str
    after: NDArray[np.float32]
    region: NDArray[np.bool_]
    change: PartChange
    labels: list[int]


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
    least_or_sum = {"determinant": np.min, "outside": np.sum, "seconds": np.median}
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
            delta = editor.delta([ScaledEdit(vector, info.parts, scale)])
            image, labels = editor.segmented(editor.tensor(photo.w_plus) + delta)
            region = editor.region(photo, labels, info.parts)
            change = editor.part_change(photo, labels)
            yield Edit(
                info.name + label, picture_of(image), region, change, editor.indices(info.parts)
            )


def repaint_edits(editor: Editor, photo: OpenPhoto) -> Iterator[Edit]:
    """The eight repaints, optimised for STEPS steps."""
    parts = editor.bundle.parts
    for name, painting in PAINTINGS.items():
        layers = painted_layers(photo, editor.bundle, painting)
        try:
            claims = read_painted(photo.parts, layers, photo.frame, photo.labels, parts)
        except EditGanError:
            continue  # the part is not in this photo
        found = editor.learn(photo, claims, steps=STEPS)
        change = editor.part_change(photo, found.labels, claims)
        yield Edit(
            f"paint {name}",
            picture_of(found.after),
            found.region,
            change,
            editor.indices(claims.parts),
        )


class Judge:
    """Reads finished photos: parts by the bundle's parser, shapes by face landmarks."""

    def __init__(self, editor: Editor, landmarks: Path | None) -> None:
        self._parser, self._parts = editor.networks.parser, editor.bundle.parts
        self._mesh = FaceMesh(landmarks) if landmarks else None

    def parts(self, pixels: Pixels, frame: CropFrame) -> NDArray[np.uint8] | None:
        if self._parser is None:
            return None
        return read_parts(self._parser, pixels, frame, self._parts).labels

    def face(self, pixels: Pixels, frame: CropFrame) -> FaceShape | None:
        return self.seen(extract(pixels, frame, _READ)[0])

    def seen(self, crop: NDArray[np.float32]) -> FaceShape | None:
        """The face of a whole aligned crop, [S, S, 3] in [-1, 1]."""
        if self._mesh is None:
            return None
        whole = cv2.resize(crop, (_READ, _READ), interpolation=cv2.INTER_CUBIC).clip(-1, 1)
        return self._mesh.read(np.rint((whole + 1) * 127.5).astype(np.uint8))

    def landmark(self, edit: str, before: FaceShape | None, after: FaceShape | None) -> float:
        """How much the measure of an edit changed, NaN where it has none."""
        name = edit.removesuffix(" most").removeprefix("paint ")
        measure = FACE_MEASURES.get(_MEASURED.get(name, name))
        if measure is None or before is None or after is None:
            return float("nan")
        return measure.quantity(after) - measure.quantity(before)


@dataclass(frozen=True, eq=False)
class Finished:
    """A composite: the finished photo, its layer, the determinants of its motion, new parts."""

    pixels: Pixels
    layer: ResultLayer
    determinants: NDArray[np.float32]
    fresh: NDArray[np.float32]
    seconds: float


def by_motion(photo: OpenPhoto, edit: Edit) -> Finished:
    """Today's composite."""
    pixels, frame = np.asarray(photo.pixels), photo.frame
    before, shown = _before(photo), shown_region(edit.region, photo.valid)
    began = time.perf_counter()
    change = plan(pixels, frame, before, edit.after, shown, edit.change)
    layer = draw(pixels, frame, change)
    seconds = time.perf_counter() - began
    found = determinants(change.shift * len(change.shift))
    return Finished(laid_over(pixels[..., :3], layer), layer, found, change.fresh, seconds)


def by_revision(revision: str) -> Callable[[OpenPhoto, Edit], Finished]:
    """The composite of an earlier revision."""
    composite, motions = recorded_shifts(load_former(revision))

    def finished(photo: OpenPhoto, edit: Edit) -> Finished:
        pixels, shown = np.asarray(photo.pixels), shown_region(edit.region, photo.valid)
        began = time.perf_counter()
        layer: Any = composite(pixels, photo.frame, _before(photo), edit.after, shown)
        seconds = time.perf_counter() - began
        shift = getattr(motions.pop(), "shift")  # noqa: B009 - of a class that is not known here
        found = determinants(shift * len(shift))
        none = np.zeros((1, 1), np.float32)
        return Finished(laid_over(pixels[..., :3], layer), layer, found, none, seconds)

    return finished


def _before(photo: OpenPhoto) -> NDArray[np.float32]:
    return np.ascontiguousarray(photo.rebuilt.clip(-1, 1).transpose(1, 2, 0))


def figures(photo: OpenPhoto, edit: Edit, done: Finished, judge: Judge) -> dict[str, float]:
    """What is printed of one composite."""
    own = np.asarray(photo.pixels)[..., :3]
    found = judge.parts(done.pixels, photo.frame)
    asked = edit.change.resolved(256)[0].new
    alpha = np.zeros(own.shape[:2], np.uint8)
    h, w = done.layer.pixels.shape[:2]
    alpha[done.layer.y : done.layer.y + h, done.layer.x : done.layer.x + w] = done.layer.pixels[
        ..., 3
    ]
    return {
        "folded": float((done.determinants <= 0).mean()),
        "determinant": float(done.determinants.min()),
        "detail": _detail(done.pixels, alpha > 128) / max(_detail(own, alpha > 128), 1e-6),
        "was": _iou(edit, judge.parts(own, photo.frame), asked),
        "asked": _iou(edit, found, asked),
        "landmark": judge.landmark(
            edit.name, judge.face(own, photo.frame), judge.face(done.pixels, photo.frame)
        ),
        "model": judge.landmark(edit.name, judge.seen(_before(photo)), judge.seen(edit.after)),
        "fresh": _fresh_sharpness(done, photo),
        "outside": float((done.pixels != own)[alpha == 0].sum()),
        "seconds": done.seconds,
    }


def _iou(edit: Edit, found: NDArray[np.uint8] | None, asked: NDArray[np.float32]) -> float:
    """Of the edited parts' channels, [256, 256, C]."""
    if found is None:
        return float("nan")
    roles = edit.change.roles
    wanted = [i for i, group in enumerate(roles.channels) if set(group) & set(edit.labels)]
    maps = roles.maps(found)[..., wanted] > 0.5
    target = asked[..., wanted] > 0.5
    return float((maps & target).sum() / max((maps | target).sum(), 1))


def _detail(pixels: Pixels, inside: NDArray[np.bool_]) -> float:
    """Strength of what a blur of 1.5 pixels takes away."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.5)
    return float(np.abs(fine[inside]).mean()) if inside.any() else float("nan")


def _fresh_sharpness(done: Finished, photo: OpenPhoto) -> float:
    """Fine detail of new parts over that of the photo's whole face; NaN without new parts."""
    if not (done.fresh > 0.5).any():
        return float("nan")
    crop = np.rint((extract(done.pixels, photo.frame, 512)[0] + 1) * 127.5).astype(np.uint8)
    new = cv2.resize(done.fresh, (512, 512)) > 0.5
    face = np.zeros((512, 512), bool)
    face[160:400, 130:382] = True
    return _detail(crop, new) / max(_detail(crop, face & ~new), 1e-6)


def photos(folders: list[Path], count: int, editor: Editor) -> Iterator[tuple[str, OpenPhoto]]:
    """The first photos of each folder in which a face is found, embedded as by default."""
    for folder in folders:
        files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        taken = 0
        for path in files:
            if taken == count or path.suffix.lower() not in (".jpg", ".png", ".webp"):
                continue
            with Image.open(path, formats=["JPEG", "PNG", "WEBP"]) as image:
                pixels = np.asarray(image.convert("RGB"))
            try:
                photo = editor.open(pixels, editor.find_subjects(pixels)[0].frame)
            except EditGanError:
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
    parser.add_argument("--repaints", action="store_true", help="the eight repaints as well")
    parser.add_argument("--landmarks", type=Path, help="a face_landmarker.task file")
    parser.add_argument("--against", default=FLOW, help=f"revision to compare with ({FLOW})")
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets, one for each edit")
    parser.add_argument("--bundle", default="faces")
    parser.add_argument("--json", action="store_true", help="print one JSON object only")
    return parser.parse_args()


def main() -> int:
    args = parse()
    editor = Editor(find_bundle(args.bundle))
    judge, table = Judge(editor, args.landmarks), Table()
    engines = {"before": by_revision(args.against), "now": by_motion}
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
