"""`editgan train closed-eyes`: list the pictures whose eyes are shut, for `--often`.

About one portrait in a hundred blinks; a generator that is to shut and open eyes has to see them
more often.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from backend.commands.inputs import check_packages
from backend.errors import BadImage
from backend.photos.output import replace_file
from backend.training.dataset import AlignedDataset
from backend.training.noted import Noted, notes_beside

_SHUT = 0.5  # blendshape from which on an eye counts as shut


@dataclass(frozen=True)
class ClosedEyesTrainingReport:
    """What the command reports."""

    looked_at: int
    closed: int
    no_face_seen: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, nargs="+", required=True, help="folders from `train align`"
    )
    parser.add_argument("--landmarker", type=Path, required=True, help="face_landmarker.task")
    parser.add_argument("--output", "-o", type=Path, required=True, help="text file of names")
    parser.add_argument("--from", dest="least", type=float, default=_SHUT, help="blink score, 0..1")


def run(args: argparse.Namespace) -> ClosedEyesTrainingReport:
    """`editgan train closed-eyes`: names, one a line, of pictures both of whose eyes are shut; goes
    on where it was interrupted."""
    check_packages("Finding closed eyes", ["ai_edge_litert"])
    data = AlignedDataset(args.images)
    scores = _scores(data, args)
    seen = {name: score for name, score in scores.items() if score is not None}
    if not seen:
        raise BadImage("No face is seen in any of these pictures; are they aligned?")
    found = [name for name in data.names if seen.get(name, 0.0) >= args.least]
    replace_file(args.output, "".join(f"{name}\n" for name in found).encode())
    return ClosedEyesTrainingReport(
        looked_at=len(scores), closed=len(found), no_face_seen=len(scores) - len(seen)
    )


def _scores(data: AlignedDataset, args: argparse.Namespace) -> dict[str, float | None]:
    """The blink score of each picture, 0..1; None where no face is seen."""
    from backend.evaluation.face_mesh import FaceMesh

    mesh = FaceMesh(args.landmarker)
    with Noted(notes_beside(args.output)) as notes:
        left = [i for i, name in enumerate(data.names) if name not in notes.values]
        shown = tqdm(left, total=len(data), initial=len(data) - len(left), unit="img",
                     disable=args.quiet or None)  # fmt: skip
        for index in shown:
            shape = mesh.read(data.picture(index))
            notes.note(data.names[index], None if shape is None else round(float(shape.blink), 4))
    return {name: notes.values[name] for name in data.names}
