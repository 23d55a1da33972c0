"""`editgan train balance`: how often to draw each face, so that ages and skin tones are even."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backend.bundles import find_bundle
from backend.bundles.networks import load_parser
from backend.commands.arguments import add_bundle
from backend.editing.photo_parts import classes_in
from backend.errors import BadBundle
from backend.evaluation.face_api import FaceApi
from backend.models.parser import FaceParser
from backend.photos.align import CropFrame
from backend.photos.output import replace_file
from backend.training.balance import draws, group, skin_angle
from backend.training.dataset import AlignedDataset
from backend.training.noted import Noted, notes_beside

_SURE = 0.8  # probability of skin from which on a pixel's colour counts


@dataclass(frozen=True)
class BalanceTrainingReport:
    """groups: how many pictures there are of each; drawn: how many draws that makes in all."""

    looked_at: int
    groups: dict[str, int]
    drawn: int
    output: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    parser.add_argument(
        "--images", type=Path, nargs="+", required=True, help="folders from `train align`"
    )
    parser.add_argument(
        "--face-api", type=Path, metavar="DIR",
        help="the folder 'model' of npm's @vladmandic/face-api: ages count as well as skin",
    )  # fmt: skip
    parser.add_argument("--output", "-o", type=Path, required=True, help="JSON: times by name")


def run(args: argparse.Namespace) -> BalanceTrainingReport:
    """`editgan train balance`: goes on where it was interrupted."""
    bundle = find_bundle(args.bundle)
    if (parser := load_parser(bundle)) is None:
        raise BadBundle(f"The model '{bundle.name}' has no face parser to find skin with.")
    judge = FaceApi(args.face_api) if args.face_api else None
    data = AlignedDataset(args.images)
    groups = [group(*found) for found in _looks(data, parser, judge, args)]
    times = dict(zip(data.names, draws(groups), strict=True))
    text = json.dumps({name: n for name, n in times.items() if n > 1}, ensure_ascii=False)
    replace_file(args.output, text.encode())
    counts = Counter(g for g in groups if g is not None)
    return BalanceTrainingReport(
        looked_at=len(data),
        groups={f"tone {tone}, age {age}": n for (tone, age), n in sorted(counts.items())},
        drawn=sum(times.values()),
        output=str(args.output),
    )


def _looks(
    data: AlignedDataset, parser: FaceParser, judge: FaceApi | None, args: argparse.Namespace
) -> list[tuple[float | None, float | None]]:
    """Skin angle and age of each picture, as far as they are known; goes on where it was."""
    with Noted(notes_beside(args.output)) as notes:
        aged = judge is not None
        left = [
            i for i, name in enumerate(data.names)
            if name not in notes.values or (aged and notes.values[name][1] is None)
        ]  # fmt: skip
        shown = tqdm(left, total=len(data), initial=len(data) - len(left), unit="img",
                     disable=args.quiet or None)  # fmt: skip
        for index in shown:
            picture = data.picture(index)
            seen, _ = classes_in(parser, picture, _whole(picture))
            angle = skin_angle(picture, _resized(seen["skin"] >= _SURE, len(picture)))
            notes.note(data.names[index], [angle, judge.age(picture) if judge else None])
    return [(notes.values[n][0], notes.values[n][1] if aged else None) for n in data.names]


def describe(report: BalanceTrainingReport) -> str:
    lines = [f"{report.looked_at} pictures; tones from 0, dark, ages from 0, children:"]
    lines += [f"  {n:6}  {name}" for name, n in report.groups.items()]
    return "\n".join([*lines, f"{report.drawn} drawn by {report.output}"])


def _whole(picture: NDArray[np.uint8]) -> CropFrame:
    half = len(picture) / 2
    return CropFrame.from_axes(np.array([half, half]), np.array([half, 0.0]))


def _resized(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    at = (np.arange(side) * len(mask)) // side
    return mask[np.ix_(at, at)]
