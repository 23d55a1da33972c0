#!/usr/bin/env python3
"""Whether faces are found the right way up, however a photo is turned.

Each photo is turned by many angles, with its corners kept. The frame that is found first is right
if its corners lie, on average, within a fifth of its side of where turning takes those of the frame
in the upright photo. Printed: for each angle how many frames were right, wrong, or not found; for a
wrong one how far it was turned.

    python benchmarks/turned_faces.py PHOTOS... [-n 10] [--angles 23] [--side 400]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.bundles import find_bundle  # noqa: E402
from backend.editing.editor import Editor  # noqa: E402
from backend.photos.folder import find_images, read_rgb  # noqa: E402
from protocol.errors import UserError  # noqa: E402

_NEAR = 0.2  # of the side
Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]


def turned(image: Pixels, angle: float) -> tuple[Pixels, Matrix]:
    """A photo turned about its middle, on grey, and the matrix [2, 3] that turned it."""
    height, width = image.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1), np.float64)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = round(width * cos + height * sin), round(width * sin + height * cos)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    grey = (128, 128, 128)
    return np.asarray(cv2.warpAffine(image, matrix, size, borderValue=grey), np.uint8), matrix


def tried(
    editor: Editor, paths: list[Path], count: int, side: int
) -> Iterator[tuple[str, Pixels, Matrix]]:
    """Name, pixels and upright corners [4, 2] of photos with a face."""
    for path in paths[:count]:
        image = read_rgb(path)
        scale = side / max(image.shape[:2])
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        )
        try:
            quad = editor.find_subjects(image)[0].frame.quad
        except UserError as error:
            print(f"{path.name}: {error}")
            continue
        yield path.name, image, np.asarray(quad, np.float64)


def judged(editor: Editor, image: Pixels, quad: Matrix, angle: float) -> str:
    """'right', 'not found', or by how much the frame is turned too far."""
    around, matrix = turned(image, angle)
    wanted = quad @ matrix[:, :2].T + matrix[:, 2]
    try:
        found = np.asarray(editor.find_subjects(around)[0].frame.quad, np.float64)
    except UserError:
        return "not found"
    side = float(np.linalg.norm(wanted[3] - wanted[0]))
    if np.linalg.norm(found - wanted, axis=1).mean() < _NEAR * side:
        return "right"
    (ax, ay), (bx, by) = wanted[3] - wanted[0], found[3] - found[0]
    off = np.degrees(np.arctan2(ax * by - ay * bx, ax * bx + ay * by))
    return f"turned by {off:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+", help="photos or folders")
    parser.add_argument("-n", "--count", type=int, default=10)
    parser.add_argument("--angles", type=int, default=23, help="evenly over a whole turn")
    parser.add_argument("--side", type=int, default=400, help="photos are made that large")
    args = parser.parse_args()
    editor = Editor(find_bundle("faces"))
    angles = [round(360 * (i + 1) / (args.angles + 1), 1) for i in range(args.angles)]
    outcomes: dict[float, Counter[str]] = {angle: Counter() for angle in angles}
    for name, image, quad in tried(editor, find_images(args.photos), args.count, args.side):
        for angle in angles:
            outcome = judged(editor, image, quad, angle)
            outcomes[angle][outcome] += 1
            if outcome != "right":
                print(f"{name} at {angle:g}: {outcome}", flush=True)
    total: Counter[str] = sum(outcomes.values(), Counter())
    for angle, counts in outcomes.items():
        print(f"{angle:6g} degrees: {counts['right']} of {counts.total()} right")
    print(f"{total['right']} of {total.total()} right, {total['not found']} not found")
    return 0 if total else 1


if __name__ == "__main__":
    raise SystemExit(main())
