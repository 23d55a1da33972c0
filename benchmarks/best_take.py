#!/usr/bin/env python3
"""Does Best Take suggest the frame that people find happier? Where its thresholds come from.

    python benchmarks/best_take.py PHOTOS faces_omi_ratings.csv [--count 150]

Every pair of rated photos stands for two frames. One is suggested in place of the other where it
smiles more by a threshold; people agree where they rated it happier. Photos whose eyes are taken
for closed are counted, too: of portraits with open eyes each of them is a false alarm. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import random
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.bundles import find_bundle  # noqa: E402
from backend.editing.editor import Editor  # noqa: E402
from backend.photos.folder import find_images, read_rgb  # noqa: E402
from protocol.errors import UserError  # noqa: E402

THRESHOLDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
_CLOSED = 0.3  # eyes below count as closed
_CLEAR = 20  # of 100: people are of one mind that one of two photos is the happier one


def thresholds_in_use() -> dict[str, float]:
    """_BETTER and _SMILE of the plug-in, which runs in GIMP's Python only."""
    source = ROOT / "gimp_plugin/editgan/commands/best_take.py"
    found: dict[str, float] = {}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Constant(float(value))):
                found[name] = value
    return {name: found[name] for name in ("_BETTER", "_SMILE")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("ratings", type=Path)
    parser.add_argument("--count", type=int, default=150)
    args = parser.parse_args()
    with args.ratings.open(encoding="utf-8", newline="") as file:
        rated = {row["stimulus"]: float(row["happy"]) for row in csv.DictReader(file)}
    paths = [path for path in find_images([args.photos]) if path.stem in rated]
    random.Random(0).shuffle(paths)
    editor = Editor(find_bundle("faces"), "cpu")
    eyes, smiles, happy = [], [], []
    for path in paths[: args.count]:
        try:
            image = read_rgb(path)
            seen = editor.recognise(image, editor.find_subjects(image)[0].frame)
        except UserError:
            continue
        eyes.append(seen.eyes or 0.0)
        smiles.append(seen.smile or 0.0)
        happy.append(rated[path.stem])
    _print(np.array(eyes), np.array(smiles), np.array(happy))


def _print(eyes: np.ndarray, smiles: np.ndarray, happy: np.ndarray) -> None:
    one, other = np.nonzero(~np.eye(len(smiles), dtype=bool))  # in place of `one`, `other`
    gained, happier = smiles[other] - smiles[one], happy[other] - happy[one]
    clear = happier > _CLEAR
    rows = {}
    print("threshold  suggested  people agree  clearly happier ones found")
    for threshold in THRESHOLDS:
        suggested = gained > threshold
        rows[f"{threshold:g}"] = {
            "suggested": float(suggested.mean()),
            "agreed": float((happier[suggested] > 0).mean()),
            "found": float(suggested[clear].mean()),
        }
        values = " ".join(f"{value:10.1%}" for value in rows[f"{threshold:g}"].values())
        print(f"{threshold:9g} {values}")
    report = {
        "photos": len(smiles),
        "in_use": thresholds_in_use(),
        "correlation": float(spearmanr(smiles, happy).statistic),
        "eyes_median": float(np.median(eyes)),
        "eyes_taken_for_closed": float((eyes < _CLOSED).mean()),
        "smile_thresholds": rows,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
