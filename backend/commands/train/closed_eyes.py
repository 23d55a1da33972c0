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
    """`editgan train closed-eyes`: names, one a line, of pictures both of whose eyes are shut."""
    check_packages("Finding closed eyes", ["ai_edge_litert"])
    from backend.evaluation.face_mesh import FaceMesh

    mesh, data = FaceMesh(args.landmarker), AlignedDataset(args.images)
    found, unseen = [], 0
    for index in tqdm(range(len(data)), unit="img", disable=args.quiet or None):
        shape = mesh.read(data.picture(index))
        if shape is None:
            unseen += 1
        elif shape.blink >= args.least:
            found.append(data.names[index])
    if unseen == len(data):
        raise BadImage("No face is seen in any of these pictures; are they aligned?")
    text = "".join(f"{name}\n" for name in found)
    replace_file(args.output, text.encode())
    return ClosedEyesTrainingReport(looked_at=len(data), closed=len(found), no_face_seen=unseen)
