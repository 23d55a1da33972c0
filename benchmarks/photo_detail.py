"""How much of a photo's detail survives an edit by a small generator: paste, residual, flow.

Every photo gets a known smooth warp (larger eyes, mouth corners up), so that the true edited photo
is known. Generators of R x R pixels are imitated by reducing the original and the true edit to
R x R, once perfectly and once with the faults of an inversion (blur, a colour cast, wrong shapes,
noise). Each method sees the photo and those two small pictures only. Three figures, inside the
moved region: error against the truth (dB), amount of fine detail relative to the truth (1 is right,
but detail in the wrong place counts too), and the fine detail's correlation with the truth's
(1 is the right detail in the right place).

    python benchmarks/photo_detail.py [--photos DIR] [-n 40] [--side 1024] [-o sheet.png] [--json]
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

from backend.photos import cv  # noqa: E402
from backend.photos.align import CropFrame, extract  # noqa: E402
from backend.photos.detect import FaceDetector  # noqa: E402
from backend.photos.warp import resize, to_photo  # noqa: E402
from benchmarks.composites import METHODS, Image, cut_out, edited_photos, fine_detail  # noqa: E402
from protocol.errors import UserError  # noqa: E402
from protocol.geometry import Rect  # noqa: E402

RESOLUTIONS = (64, 128, 256)
# The frame puts eyes and mouth at known places: (x, y, radius, what happens), in crop sides.
EYES = ((0.385, 0.475, 0.085), (0.615, 0.475, 0.085))
CORNERS = ((0.41, 0.69, 0.1), (0.59, 0.69, 0.1))
EYE_SCALE, CORNER_LIFT = 1.3, 0.02


@dataclass(frozen=True, eq=False)
class Case:
    """A photo, its frame, the true edit, and what moved: bool [H, W] and, over the crop, roi."""

    name: str
    photo: Image
    frame: CropFrame
    truth: Image
    moved: NDArray[np.bool_]
    roi: NDArray[np.float32]


def displacement(size: int) -> Image:
    """Where each pixel of the edited crop comes from: [size, size, 2], an offset in crop sides."""
    y, x = (np.indices((size, size), dtype=np.float32) + 0.5) / size
    shift = np.zeros((size, size, 2), np.float32)
    for cx, cy, radius in EYES:
        weight = _bump(np.hypot(x - cx, y - cy) / radius)
        shift += (weight * (1 / EYE_SCALE - 1))[..., None] * np.stack([x - cx, y - cy], axis=-1)
    for cx, cy, radius in CORNERS:
        shift[..., 1] += _bump(np.hypot(x - cx, y - cy) / radius) * CORNER_LIFT
    return shift


def _bump(distance: Image) -> Image:
    inside = np.clip(1 - distance**2, 0, 1)
    return inside * inside


def make_case(name: str, photo: Image, frame: CropFrame) -> Case:
    height, width = photo.shape[:2]
    rect = Rect(0, 0, width, height)
    crop_shift = displacement(512)
    shift = to_photo(crop_shift, frame, rect, outside_zero=True)
    shift = shift @ frame.to_pixels(1)[:, :2].T.astype(np.float32)
    rows, columns = np.indices((height, width), dtype=np.float32)
    truth = cv2.remap(
        photo,
        columns + shift[..., 0],
        rows + shift[..., 1],
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    moved = np.linalg.norm(shift, axis=2) > 0.002 * frame.size
    roi = (np.linalg.norm(crop_shift, axis=2) > 1e-4).astype(np.float32)
    return Case(name, photo, frame, np.clip(truth, 0, 1), moved, roi)


def faulty(before: Image, after: Image, seed: int) -> tuple[Image, Image]:
    """The same pair as a generator shows it: softer, off in colour, with its own shapes, noise."""
    random = np.random.default_rng(seed)
    size = before.shape[0]
    cast = resize(random.normal(0, 0.08, (4, 4, 3)).astype(np.float32), size)
    shapes = resize(random.normal(0, 0.06, (size // 4, size // 4, 3)).astype(np.float32), size)
    noise = random.normal(0, 0.02, (2, size, size, 3)).astype(np.float32)
    pair = [
        cv2.GaussianBlur(p, (0, 0), 0.7) + cast + shapes + n
        for p, n in zip((before, after), noise, strict=True)
    ]
    return np.clip(pair[0], -1, 1), np.clip(pair[1], -1, 1)


def region(case: Case, resolution: int) -> NDArray[np.bool_]:
    """The roi at generator resolution, dilated as the editor does: 5 px at 512."""
    cells = cv2.resize(case.roi, (resolution, resolution), interpolation=cv2.INTER_AREA) > 0.02
    reach = 2 * max(1, round(5 * resolution / 512)) + 1
    return cv2.dilate(cells.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0


def results(case: Case, resolution: int, seed: int | None) -> dict[str, Image]:
    """The three methods' edited photos; `seed` makes the generator's pictures faulty."""
    before = extract(case.photo, case.frame, resolution)[0]
    after = extract(case.truth, case.frame, resolution)[0]
    if seed is not None:
        before, after = faulty(before, after, seed)
    return edited_photos(case.photo, case.frame, before, after, region(case, resolution))[0]


def figures(case: Case, result: Image) -> dict[str, float]:
    """Error (dB), amount of fine detail and how it agrees with the truth, where things moved."""
    result = np.clip(result, 0, 1)
    error = float(((result - case.truth)[case.moved] ** 2).mean())
    fine, true_fine = (fine_detail(p, case.frame)[case.moved].ravel() for p in (result, case.truth))
    return {
        "db": -10 * np.log10(max(error, 1e-10)),
        "detail": float((fine**2).sum() / max((true_fine**2).sum(), 1e-9)),
        "correlation": float(np.corrcoef(fine, true_fine)[0, 1]),
    }


def enlarged(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture with its shorter side at least `side` pixels."""
    factor = side / min(picture.shape[:2])
    if factor <= 1:
        return picture
    size = round(factor * picture.shape[1]), round(factor * picture.shape[0])
    return cv.resize(picture, size, cv2.INTER_LANCZOS4)


def faces(
    folder: Path | None, count: int, side: int
) -> Iterator[tuple[str, NDArray[np.uint8], CropFrame]]:
    """Name, RGB pixels and frame of the photos in which a face is found."""
    paths = [ROOT / "assets" / "portrait.png"] if folder is None else sorted(folder.iterdir())
    detector, found = FaceDetector(), 0
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None or found >= count:
            continue
        rgb = enlarged(np.ascontiguousarray(image[..., ::-1]), side)
        try:
            frame = detector.find(rgb)[0].frame
        except UserError:
            continue
        found += 1
        yield path.name, rgb, frame


def sheet_row(case: Case, edited: dict[str, Image]) -> NDArray[np.uint8]:
    """Cut-outs: photo, truth, then every method."""
    pictures = [case.photo, case.truth, *(edited[m] for m in METHODS)]
    return np.concatenate([cut_out(p, case.frame) for p in pictures], axis=1)


def table(rows: dict[tuple[str, int, str], list[dict[str, float]]]) -> list[dict[str, object]]:
    return [
        {"pictures": kind, "resolution": resolution, "method": method, "photos": len(values)}
        | {key: round(float(np.mean([v[key] for v in values])), 3) for key in values[0]}
        for (kind, resolution, method), values in rows.items()
    ]


def show(entries: list[dict[str, object]]) -> None:
    print("dB / amount of fine detail / its correlation with the truth, inside the moved region")
    print(f"{'pictures':9} {'R':>4}  " + "  ".join(f"{m:^20}" for m in METHODS))
    for i in range(0, len(entries), len(METHODS)):
        group = entries[i : i + len(METHODS)]
        cells = (f"{e['db']:6.2f} / {e['detail']:4.2f} / {e['correlation']:4.2f}" for e in group)
        print(f"{group[0]['pictures']:9} {group[0]['resolution']:>4}  " + "  ".join(cells))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--photos", type=Path, help="folder of portraits (default: the shipped one)"
    )
    parser.add_argument("--side", type=int, default=0, help="enlarge smaller photos to this side")
    parser.add_argument("-n", "--count", type=int, default=40, help="photos to use at most")
    parser.add_argument("-o", "--output", type=Path, help="contact sheet to write (PNG)")
    parser.add_argument("--sheet", type=int, default=3, help="photos on the contact sheet")
    parser.add_argument("--json", action="store_true", help="print one JSON object only")
    arguments = parser.parse_args()
    rows: dict[tuple[str, int, str], list[dict[str, float]]] = defaultdict(list)
    sheet = []
    found = faces(arguments.photos, arguments.count, arguments.side)
    for number, (name, pixels, frame) in enumerate(found):
        case = make_case(name, pixels.astype(np.float32) / np.float32(255), frame)
        for kind, seed in (("perfect", None), ("faulty", number)):
            for resolution in RESOLUTIONS:
                edited = results(case, resolution, seed)
                for method in METHODS:
                    rows[kind, resolution, method].append(figures(case, edited[method]))
                if number < arguments.sheet:
                    sheet.append(sheet_row(case, edited))
    if not rows:
        print(
            "No face was found in any of the photos; give a folder of portraits with --photos.",
            file=sys.stderr,
        )
        return 1
    entries = table(rows)
    if arguments.json:
        print(json.dumps({"entries": entries}))
    else:
        show(entries)
    if arguments.output:
        cv2.imwrite(str(arguments.output), np.concatenate(sheet)[..., ::-1])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
