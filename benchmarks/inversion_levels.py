"""How well each inversion level represents photos, and what it costs.

    python benchmarks/inversion_levels.py --photos DIR ... [--count 50] [--bundle faces]

Every photo is embedded at every level in turn. Prints the means as a table and, last, as one JSON
object. Photos that show no subject are passed over.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm import tqdm

from backend.bundles import find_bundle
from backend.editing.editor import Editor
from backend.editing.inversion import LEVELS
from backend.photos.folder import find_images, read_rgb
from protocol.errors import UserError
from protocol.facts import as_json

Row = dict[str, Any]
VERDICTS = ("well", "roughly", "poorly")


def embed_all(editor: Editor, path: Path) -> dict[str, Row]:
    """What each level reports for one photo; raises UserError."""
    pixels = read_rgb(path)
    frame = editor.find_subjects(pixels)[0].frame
    return {level: as_json(editor.open(pixels, frame, level=level).report) for level in LEVELS}


def measured(editor: Editor, paths: list[Path], count: int) -> dict[str, list[Row]]:
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    with tqdm(total=count, unit="photo", disable=None) as bar:
        for path in paths:
            try:
                found = embed_all(editor, path)
            except UserError as error:
                tqdm.write(f"{path.name}: {error.message}", file=sys.stderr)
                continue
            for level, row in found.items():
                rows[level].append(row)
            bar.update()
            if len(rows[level]) == count:  # a bar that is not shown does not count
                break
    return rows


def summary(rows: list[Row]) -> Row:
    known = [row["identity"] for row in rows if row["identity"] is not None]
    return {
        "perceptual": mean(row["perceptual"] for row in rows),
        "mse": mean(row["mse"] for row in rows),
        "identity": mean(known) if known else None,
        "seconds": median(row["seconds"] for row in rows),
        **{verdict: sum(row["quality"] == verdict for row in rows) for verdict in VERDICTS},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--names", type=Path, help="a file of names; only these photos are used")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--bundle", default="faces")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    editor = Editor(find_bundle(args.bundle), args.device)
    paths = find_images(args.photos)
    if args.names:
        names = set(args.names.read_text(encoding="utf-8").split())
        paths = [path for path in paths if f"{path.parent.name}/{path.name}" in names]
    rows = measured(editor, paths, args.count)
    if not rows:
        sys.exit("None of these photos shows a subject of this model.")
    first = next(iter(rows.values()))
    networks = first[0]["perceptual_network"], first[0]["identity_network"]
    table = {level: summary(found) for level, found in rows.items()}
    print(f"{len(first)} photos; perceptual distance: {networks[0]}; identity: {networks[1]}")
    print(
        f"{'level':10} {'steps':>5} {'perceptual':>10} {'MSE':>7} {'identity':>8} {'seconds':>8}  "
        f"{', '.join(VERDICTS)}"
    )
    for level, row in table.items():
        alike = "" if row["identity"] is None else f"{row['identity']:.3f}"
        print(
            f"{level:10} {LEVELS[level].steps:5} {row['perceptual']:10.3f} {row['mse']:7.4f} "
            f"{alike:>8} {row['seconds']:8.1f}  {', '.join(str(row[v]) for v in VERDICTS)}"
        )
    print(json.dumps({"photos": len(first), "networks": networks, "levels": table}))


if __name__ == "__main__":
    main()
