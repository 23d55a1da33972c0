"""`editgan train labels draft`: label maps of faces, to be corrected by hand."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from backend.bundles import find_bundle
from backend.bundles.card import read_card
from backend.editing.editor import Editor
from backend.errors import BadImage
from backend.evaluation.face_mesh import FaceMesh
from backend.training.labelled import LabelSet, label_path
from backend.training.labelling.draft import coarse_masks, draft_face, landmark_outlines
from backend.training.labelling.files import write_classes, write_label_map


@dataclass(frozen=True)
class LabelsDraftReport:
    """What the command reports."""

    drafted: int
    kept: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="photos, without suffix")
    parser.add_argument("--labels", type=Path, required=True, help="label set; made if missing")
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--card", type=Path, required=True, help="card.json with the parts")
    parser.add_argument("--landmarks", type=Path, required=True, help="face_landmarker.task")
    parser.add_argument("--bundle", default="faces", help="the bundle that finds hair and skin")


def run(args: argparse.Namespace) -> LabelsDraftReport:
    """Drafts the label maps that are not there yet."""
    parts = read_card(args.card).parts
    names = [part.name for part in parts]
    try:
        mesh = FaceMesh(args.landmarks)
    except ImportError as error:
        raise BadImage(
            "Face landmarks need the package ai-edge-litert; install it beside EditGAN with pip."
        ) from error
    editor = Editor(find_bundle(args.bundle))
    write_classes(args.labels, parts)
    labels = LabelSet.open(args.labels, args.images)
    wanted = [name for name in args.names if not label_path(args.labels, name).exists()]
    for name in tqdm(wanted, desc="drafting", unit="img", disable=args.quiet or None):
        photo = labels.photo(name)
        frame = editor.find_subjects(photo)[0].frame
        coarse = coarse_masks(editor, photo, frame, names)
        outlines = landmark_outlines(mesh, photo, frame)
        write_label_map(args.labels, name, draft_face(photo, coarse, outlines, names), parts)
    return LabelsDraftReport(drafted=len(wanted), kept=len(args.names) - len(wanted))
