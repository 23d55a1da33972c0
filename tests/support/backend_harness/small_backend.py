"""A server around a small engine, as a program: `small_backend.py [--tcp HOST] [--idle S]`.

The engine does arithmetic instead of generating pictures, so that the server can be tested without
a model. What a repaint does is told by the painted part's name: "slow" reports and previews for
`steps` steps, "stone" computes without reporting, "boom" fails, "full" exhausts a graphics card,
"huge" exhausts the machine, "bad" is an error for the user, "nan" gives a loss that no message
can hold, "die" kills the process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Part
from backend.editing.options import Optimisation
from backend.editing.progress import Progress, ProgressCallback
from backend.errors import NoSubject, NothingChanged
from backend.photos.align import CropFrame
from backend.photos.composite import ResultLayer
from backend.photos.corrections import Corrections
from backend.photos.detect import Subject, meeting
from backend.photos.label_edit import UNKNOWN, LabelEdit, PaintedLayer
from backend.photos.parts import PartMask, PlacedMask
from backend.server import jobs, service
from backend.server.main import serve
from protocol.facts import ApplyReport, BundleInfo, PhotoReport, RepaintReport
from protocol.geometry import Rect
from protocol.keys import from_hex

CODE = (4, 8)  # n_ws, w_dim
RESOLUTION = 16
STEP_S = 0.01


@dataclass(frozen=True)
class SmallBundle:
    name: str = "small"
    license: str = "MIT"
    sha: str = "5" * 64
    embedding_sha: str = "5" * 64
    parts: tuple[Part, ...] = (Part("rest", 0, (9, 9, 0)), Part("hair", 1, (9, 9, 1)))


@dataclass(frozen=True, eq=False)
class SmallPhoto:
    pixels: NDArray[Any]
    frame: CropFrame
    w_plus: NDArray[np.float32]
    labels: NDArray[np.uint8]
    parts: list[PartMask]
    report: PhotoReport

    def with_report(self, report: PhotoReport) -> SmallPhoto:
        return replace(self, report=report)

    @property
    def drawn(self) -> list[PartMask]:
        return self.parts


@dataclass(frozen=True, eq=False)
class SmallResult:
    layer: ResultLayer
    vector: NDArray[np.float32]
    parts: tuple[str, ...]
    labels: NDArray[np.uint8]
    crop: NDArray[np.uint8]
    report: RepaintReport | ApplyReport
    painted: LabelEdit | None = None


@dataclass(frozen=True, eq=False)
class SmallFace:
    identity: NDArray[np.float32]
    eyes: float
    smile: float | None


class SmallView:
    """The photo's brightness plus what the edits add; counts the pictures that it made."""

    def __init__(self, photo: SmallPhoto) -> None:
        self._value = float(photo.pixels.mean())
        self._made = 0

    def render(
        self, stacks: Sequence[Sequence[Any]], side: int, *, closer: bool = False
    ) -> Iterator[NDArray[np.uint8]]:
        for stack in stacks:
            self._made += 1
            picture = np.full((side, side, 3), self._value, np.float32)
            picture += sum(float(edit.vector.max()) * edit.scale for edit in stack)
            picture[..., 2] = self._made
            yield picture.astype(np.uint8)

    def on_photo(self, stack: Sequence[Any]) -> ResultLayer:
        (picture,) = self.render([stack], 2)
        return ResultLayer(1, 3, np.dstack([picture, np.full((2, 2), 255, np.uint8)]))


@dataclass(frozen=True, eq=False)
class SmallOutcome:
    delta: NDArray[np.float32]
    parts: tuple[str, ...]
    report: RepaintReport
    painted: LabelEdit


def repaint_report(steps: int, terms: dict[str, Any] | None = None) -> RepaintReport:
    return RepaintReport(
        area_region=0, area_changed=0, share_of_subject=0.0, steps=steps, ended_early=False,
        loss=(0.0, 0.0), terms=terms or {}, agreement=0.0, agreement_model=0.0,
        agreement_read_in="model",
    )  # fmt: skip


class SmallEngine:
    """Counts its inversions, which are slow; everything else is at once.

    What it was asked for is in the verdict, as JSON, and in the terms.
    """

    bundle = SmallBundle()

    def __init__(self, device: str) -> None:
        self._device = device
        self._inversions = 0

    def find_subjects(
        self, image: NDArray[np.uint8], selection: Rect | None = None
    ) -> list[Subject]:
        """Every image holds two: the left and the right half of a square in its middle."""
        if image.max() == 0:
            raise NoSubject("No subject was found; choose a brighter photo.")
        height, width = image.shape[:2]
        half = np.array([width / 8, 0.0])
        left, right = np.array([width / 4, height / 2]), np.array([3 * width / 4, height / 2])
        both = [Subject(CropFrame.from_axes(c, half), s) for c, s in ((left, 0.9), (right, 0.8))]
        return meeting(both, selection, width, height)

    def open(
        self,
        pixels: NDArray[Any],
        frame: CropFrame,
        *,
        level: str,
        w_plus: NDArray[np.float32] | None,
        start: NDArray[np.float32] | None,
        corrected: Corrections | None,
        progress: ProgressCallback,
    ) -> SmallPhoto:
        if w_plus is None:
            for step in range(10 if level == "faithful" else 0):
                progress(Progress(step / 10, "Embedding"))
                time.sleep(STEP_S)
            self._inversions += 1
            w_plus = np.full(CODE, float(pixels.mean()), np.float32)
        progress(Progress(1.0, "Done"))
        height, width = pixels.shape[:2]
        alpha = np.full((height - 2, width - 3), 200, np.uint8)
        labels = np.zeros((RESOLUTION, RESOLUTION), np.uint8)
        parts = [PartMask(n, i, (9, 9, i), 2, 1, alpha) for i, n in enumerate(("rest", "hair"))]
        told = {"inversions": self._inversions, "improved": start is not None}
        told |= {"corrected": None if corrected is None else np.unique(corrected.labels).tolist()}
        mse = np.float32(0.25)
        report = PhotoReport(0.0, "none", mse, None, None, "well", json.dumps(told), level, 0.0)
        return SmallPhoto(pixels, frame, w_plus, labels, parts, report)

    def recognise(self, pixels: NDArray[Any], frame: CropFrame) -> SmallFace:
        """Who it is depends on the brightness."""
        identity = np.zeros(4, np.float32)
        identity[int(pixels.mean()) % 4] = 1
        return SmallFace(identity, 0.75, None)

    def uncertainty(self, photo: SmallPhoto) -> PlacedMask:
        return PlacedMask(3, 1, np.full((5, 7), 60, np.uint8))

    def repaint(
        self,
        photo: SmallPhoto,
        painted: Sequence[PaintedLayer],
        options: Optimisation,
    ) -> SmallResult:
        terms = {f"painted {i}": p.alpha.sum() for i, p in enumerate(painted)}
        report = repaint_report(options.steps, {**terms, f"on {self._device}": 1})
        for layer in painted:
            report = self._obey(layer.part, options, report)
        vector = photo.w_plus if options.start is None else options.start
        place = [(layer.x, layer.y) for layer in painted]
        return self._result(photo, vector, tuple(p.part for p in painted), report, place)

    def repaint_live(
        self,
        photo: SmallPhoto,
        painted: Sequence[PaintedLayer],
        options: Optimisation,
    ) -> SmallOutcome:
        """Adds one to `start` (zero) for each call."""
        report = repaint_report(options.steps)
        for layer in painted:
            report = self._obey(layer.part, options, report)
        delta = np.zeros(CODE, np.float32) if options.start is None else options.start
        names = tuple(p.part for p in painted)
        nothing = np.full_like(photo.labels, UNKNOWN)
        return SmallOutcome(
            delta + 1, names, report, LabelEdit.unpacked(nothing, photo.labels, names)
        )

    def borrow(
        self,
        photo: SmallPhoto,
        other: SmallPhoto,
        parts: Sequence[str],
        take: str,
        options: Optimisation,
    ) -> SmallResult:
        """The vector is the difference of the two photos' codes."""
        report = replace(repaint_report(options.steps), take=take)
        return self._result(photo, other.w_plus - photo.w_plus, tuple(parts), report, [(3, 3)])

    def apply(
        self, photo: SmallPhoto, edits: Sequence[Any], refinement: Optimisation
    ) -> SmallResult:
        if not edits:
            raise NothingChanged("No edit was chosen; choose one.")
        for step in range(refinement.steps):
            refinement.progress(Progress(step / refinement.steps, "Refining"))
            time.sleep(STEP_S)
        vector = np.sum([e.vector * e.scale for e in edits], axis=0).astype(np.float32)
        parts = tuple(name for edit in edits for name in edit.parts)
        report = ApplyReport(
            area_region=0, area_changed=0, share_of_subject=0.0, refine=refinement.steps,
            ended_early=False, scales=(), clamped=(), seconds=0.0,
        )  # fmt: skip
        return self._result(photo, vector, parts, report, [(12, 12)])

    def view(self, photo: SmallPhoto) -> SmallView:
        return SmallView(photo)

    def _obey(self, part: str, options: Optimisation, report: RepaintReport) -> RepaintReport:
        steps = options.steps
        match part:
            case "slow":
                for step in range(steps):
                    picture = np.full((4, 4, 3), step % 256, np.uint8)
                    news = Progress(step / steps, f"Step {step}", lambda p=picture: p)
                    if options.progress(news):
                        return replace(report, steps=step + 1, ended_early=True)
                    time.sleep(STEP_S)
            case "stone":
                time.sleep(steps * STEP_S)
            case "boom":
                raise KeyError("a mistake in the code")
            case "full" if self._device != "cpu":
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            case "huge":
                raise MemoryError("Unable to allocate 80 GiB")
            case "bad":
                raise NothingChanged("Nothing was repainted; paint on a part layer first.")
            case "nan":
                return replace(report, loss=(float("nan"), np.float64(1)))
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
        return report

    def _result(
        self,
        photo: SmallPhoto,
        vector: NDArray[np.float32],
        parts: tuple[str, ...],
        report: RepaintReport | ApplyReport,
        place: list[tuple[int, int]],
    ) -> SmallResult:
        full = 255 if photo.pixels.dtype == np.uint8 else 1
        pixels = np.full((3, 5, 4), full, photo.pixels.dtype)
        x, y = place[0]
        crop = np.zeros((RESOLUTION, RESOLUTION, 3), np.uint8)
        return SmallResult(ResultLayer(x, y, pixels), vector, parts, photo.labels, crop, report)


class SmallCatalogue:
    """One bundle; cannot be described while the file `broken` exists."""

    def __init__(self, broken: Path) -> None:
        self._broken = broken

    def names(self) -> list[str]:
        return ["small"]

    def ready(self) -> list[str]:
        return self.names()

    def describe(self) -> list[BundleInfo]:
        if self._broken.exists():
            raise OSError("the disk is gone")
        return [BundleInfo("small", resolution=RESOLUTION)]

    def picture(self, name: str) -> bytes | None:
        return b"WebP"

    def load(self, name: str, device: str) -> SmallEngine:
        return SmallEngine(device)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tcp")
    parser.add_argument("--allow", action="append", default=[], type=from_hex)
    parser.add_argument("--idle", type=float, default=120)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--broken-catalogue", type=Path, default=Path("/nonexistent"))
    parser.add_argument("--patience", type=float, help="with jobs that do not hear a cancel")
    parser.add_argument("--clients", type=int, help="how many greetings are remembered")
    args = parser.parse_args()
    jobs.CANCEL_PATIENCE_S = args.patience or jobs.CANCEL_PATIENCE_S
    service.MAX_CLIENTS = args.clients or service.MAX_CLIENTS
    catalogue = SmallCatalogue(args.broken_catalogue)
    return serve(args.idle, args.tcp, args.device, catalogue, args.allow)


if __name__ == "__main__":
    sys.exit(main())
