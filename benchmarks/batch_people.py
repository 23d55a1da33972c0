#!/usr/bin/env python3
"""How alike strangers look to the identity network: where the threshold of `--person` comes from.

    python benchmarks/batch_people.py PHOTOS... [--count 400] [--sheet pairs.png]

Photos of different people, one face each. Every pair of them is compared, as `editgan batch
--person` compares; the share of pairs above each threshold is how often a stranger is taken for the
person in one comparison. Photos of one person that are among them count as strangers: --sheet draws
the most similar pairs, to be looked at. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.batch.people import embed  # noqa: E402
from backend.bundles import find_bundle  # noqa: E402
from backend.editing.editor import Editor  # noqa: E402
from backend.photos.folder import find_images, read_rgb  # noqa: E402
from protocol.errors import UserError  # noqa: E402

THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
_SHOWN = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    paths = find_images(args.photos)
    random.Random(0).shuffle(paths)
    editor = Editor(find_bundle("faces"), "cpu")
    vectors, pictures = [], []
    for path in paths[: args.count]:
        try:
            image = read_rgb(path)
            vector, picture = embed(editor, image, editor.find_subjects(image)[0].frame)
        except UserError:
            continue
        vectors.append(vector)
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
    print(json.dumps({"faces": len(alike), "pairs": len(values), "above": above}))


if __name__ == "__main__":
    main()
