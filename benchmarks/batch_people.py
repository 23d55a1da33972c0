#!/usr/bin/env python3
"""How alike strangers look to the identity network: where the threshold of `--person` comes from.

    python benchmarks/batch_people.py PHOTOS... [--count 400] [--altered 40] [--sheet pairs.png]
    python benchmarks/batch_people.py --pairs master.csv
    python benchmarks/batch_people.py --people FOLDER

Photos of different people, one face each. Every pair of them is compared, as `editgan batch
--person` compares; the share of pairs above each threshold is how often a stranger is taken for the
person in one comparison. Photos of one person that are among them count as strangers: --sheet draws
the most similar pairs, to be looked at.

The other error, a person who is not recognised, needs several photos of each person. Without them
--altered compares photos with altered copies of themselves (mirrored, dark, small, blurred,
strongly compressed, turned), in which faces are found anew: the share that reaches each threshold.
Two photos of one person differ by more, so that it only says which thresholds are too high for
sure.

With --pairs both errors are counted: a table of pairs of photos beside it, with the columns file_x,
file_y and Decision, "Yes" where both show one person, as deepface has in tests/unit/dataset (GitHub
serengil/deepface). --people does so with a folder of one folder for each person, as LFW has them:
all pairs of its photos are compared. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.batch.people import embed  # noqa: E402
from backend.bundles import find_bundle  # noqa: E402
from backend.editing.editor import Editor  # noqa: E402
from backend.photos.folder import find_images, read_rgb  # noqa: E402
from protocol.errors import UserError  # noqa: E402

THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
_SHOWN = 24

Picture = NDArray[np.uint8]
Pair = tuple[Path, Path, bool]  # whether both show one person


def dark(image: Picture) -> Picture:
    return (255 * (image / 255.0) ** 2.2).astype(np.uint8)


def small(image: Picture) -> Picture:
    size = max(1, image.shape[1] // 2), max(1, image.shape[0] // 2)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def blurred(image: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), image.shape[1] / 100), np.uint8)


def compressed(image: Picture) -> Picture:
    _done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 15])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def turned(image: Picture) -> Picture:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 15, 1)
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderMode=edge), np.uint8)


def mirrored(image: Picture) -> Picture:
    return np.ascontiguousarray(image[:, ::-1])


ALTERATIONS = (mirrored, dark, small, blurred, compressed, turned)


def seen(editor: Editor, image: Picture) -> tuple[NDArray[np.float32], bytes]:
    """The embedding of a photo's face, and a picture of it; raises UserError."""
    return embed(editor, image, editor.find_subjects(image)[0].frame)


def altered(editor: Editor, faces: Sequence[tuple[Picture, NDArray[np.float32]]]) -> dict[str, Any]:
    """For each alteration: the mean likeness of photos with their altered copies, in how many of
    those a face is found, and the share of them that reaches each threshold."""
    rows = {}
    for alter in ALTERATIONS:
        alike = []
        for image, vector in faces:
            try:
                alike.append(float(vector @ seen(editor, alter(image))[0]))
            except UserError:
                continue
        reached = {f"{t:g}": float(np.mean(np.array(alike) >= t)) for t in THRESHOLDS}
        rows[alter.__name__] = {"faces": len(alike), "mean": float(np.mean(alike)), **reached}
        shares = ", ".join(f"{t} {share:.0%}" for t, share in reached.items())
        print(f"{alter.__name__:>10}: {len(alike)} faces, mean {np.mean(alike):.2f}; {shares}")
    return rows


def of_table(table: Path) -> Iterator[Pair]:
    """The pairs that a table names."""
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            one, other = (table.parent / row[name].strip() for name in ("file_x", "file_y"))
            yield one, other, row["Decision"].strip() == "Yes"


def of_folders(folder: Path) -> Iterator[Pair]:
    """All pairs of the photos in a folder of one folder for each person."""
    for one, other in combinations(find_images([folder]), 2):
        yield one, other, one.parent == other.parent


def paired(editor: Editor, pairs: Iterable[Pair]) -> dict[str, Any]:
    """How alike pairs are: of one person, and of two. Photos without a face are left out."""

    @cache
    def vector(path: Path) -> NDArray[np.float32] | None:
        with contextlib.suppress(UserError):
            return seen(editor, read_rgb(path))[0]
        return None

    alike: dict[str, list[float]] = {"one person": [], "strangers": []}
    for one, other, same in pairs:
        first, second = vector(one), vector(other)
        if first is not None and second is not None:
            alike["one person" if same else "strangers"].append(float(first @ second))
    rows = {}
    for kind, values in alike.items():
        reached = {f"{t:g}": float(np.mean(np.array(values) >= t)) for t in THRESHOLDS}
        ends = {"least": min(values), "most": max(values)}
        rows[kind] = {"pairs": len(values), **ends, "above": reached}
        shares = ", ".join(f"{t} {share:.1%}" for t, share in reached.items())
        print(f"{kind}: {len(values)} pairs, {ends['least']:.2f} to {ends['most']:.2f}; {shares}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--altered", type=int, default=40)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--people", type=Path)
    args = parser.parse_args()
    editor = Editor(find_bundle("faces"), "cpu")
    if args.pairs or args.people:
        pairs = of_table(args.pairs) if args.pairs else of_folders(args.people)
        print(json.dumps(paired(editor, pairs)))
        return
    paths = find_images(args.photos)
    random.Random(0).shuffle(paths)
    vectors, pictures, faces = [], [], list[tuple[Picture, NDArray[np.float32]]]()
    for path in paths[: args.count]:
        try:
            image = read_rgb(path)
            vector, picture = seen(editor, image)
        except UserError:
            continue
        vectors.append(vector)
        if len(faces) < args.altered:
            faces.append((image, vector))
        pictures.append(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR))
    matrix = np.stack(vectors)
    alike = matrix @ matrix.T
    first, second = np.triu_indices(len(alike), 1)
    values = alike[first, second]
    if args.sheet:
        most = np.argsort(-values)[:_SHOWN]
        rows = [np.hstack([pictures[first[i]], pictures[second[i]]]) for i in most]
        columns = [np.vstack(rows[i::4]) for i in range(4)]
        cv2.imwrite(str(args.sheet), np.hstack(columns))
        print("most similar:", ", ".join(f"{values[i]:.2f}" for i in most))
    above = {f"{t:g}": float(np.mean(values >= t)) for t in THRESHOLDS}
    for threshold, share in above.items():
        print(f"{threshold:>5}: {share:.5%} of pairs")
    same = altered(editor, faces)
    print(json.dumps({"faces": len(alike), "pairs": len(values), "above": above, "altered": same}))


if __name__ == "__main__":
    main()
