#!/usr/bin/env python3
"""What an edit costs against the generator's size, the photo's size and the number of edits.

    python benchmarks/cost.py [--sizes 64 128 256 512 1024] [--megapixels 4 24 100]
                              [--edits 1 8 64] [--svg docs/images/cost.svg] [--device cpu|cuda]

Generators have random weights at the size of config f, 16 parts; each is measured in a process of
its own, for its peak of memory. A size that runs out of memory or of --limit seconds is said to.
slider_ms is a preview of 384 pixels in the Edit Library, two eyes and a mouth edited. On a GPU
(--device cuda) these are as the engine runs them, recorded; what follows is the processor's work.
Photos: the face spans half of the photo's height, the shipped bundle's mouth moves. Stacked edits:
random vectors on the shipped bundle. Medians; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.bundles import find_bundle  # noqa: E402
from backend.editing.editor import Editor, OpenPhoto, ScaledEdit  # noqa: E402
from backend.editing.preview.networks import PreviewNetworks  # noqa: E402
from backend.editing.preview.photo import PhotoPreviewer  # noqa: E402
from backend.models.pictures import to_picture  # noqa: E402
from backend.models.runtime.precision import use_fast_matrices  # noqa: E402
from backend.models.runtime.replay import Recorded  # noqa: E402
from backend.photos.align import CropFrame, extract  # noqa: E402
from backend.photos.composite import composite  # noqa: E402
from benchmarks.edit_step import Bench, Clock, as_run, peak_beyond, timed  # noqa: E402
from benchmarks.plot import line_chart  # noqa: E402
from benchmarks.random_model import face_like_region  # noqa: E402
from protocol.facts import PhotoReport  # noqa: E402

PARTS = 16
Row = dict[str, float]


def median_ms(
    work: Callable[[], object], clock: Clock, repeats: int = 3, device: str = "cpu"
) -> float:
    """Milliseconds of `work`, the median after two calls that do not count."""
    for _ in range(2):  # on a GPU the second one records
        timed(work, device, clock)
    return statistics.median(timed(work, device, clock) for _ in range(repeats)) * 1000


def generator_row(resolution: int, device: str, clock: Clock) -> Row:
    """A vector applied (picture and parts), a slider moved, one step, and the step's memory."""
    use_fast_matrices(device)  # as the backend does
    bench = Bench(resolution, PARTS, device)
    segmented, step = Recorded(bench.networks.picture_and_labels), bench.ours()
    megabytes = peak_beyond(step, device) / 2**20
    works = {
        "vector_ms": lambda: [found.cpu() for found in segmented(bench.w_plus)],
        "slider_ms": slider(bench),
        "step_ms": as_run(step, device),
    }
    repeats = 3 if device == "cpu" and resolution > 256 else 7
    times = {name: median_ms(work, clock, repeats, device) for name, work in works.items()}
    return times | {"step_mb": megabytes}


def slider(bench: Bench) -> Callable[[], object]:
    """A preview of a vector, drawn as the Edit Library does it. Random networks know no parts: two
    eyes and a mouth are said to be what they see."""
    glance, bundle = Recorded(PreviewNetworks(bench.networks)), find_bundle("faces")
    edited = bundle.part("nose")
    face = torch.from_numpy(face_like_region(64, 0.1).astype(np.uint8) * edited.index)[None]
    side, problem = bench.problem.before.shape[-1], bench.problem
    frame = CropFrame(np.array([[0, 0], [0, 512], [512, 512], [512, 0]], np.float64))
    photo = OpenPhoto(
        pixels=to_picture(F.interpolate(problem.before, 512)),
        frame=frame,
        valid=np.ones((side, side), bool),
        w_plus=problem.w_plus[0].cpu().numpy(),
        rebuilt=problem.before[0].cpu().numpy(),
        labels=face[0].numpy(),
        draw=list,
        report=PhotoReport(0.0, "none", 0.0, None, None, "well", "", "known", 0.0),
    )
    view = PhotoPreviewer(lambda w_plus: (glance(w_plus)[0], face), bundle, photo, problem.w_plus)
    edit = ScaledEdit(problem.delta[0].cpu().numpy(), (edited.name,), 1.0)
    return lambda: next(view.render([[edit]], 384))


def generator_elsewhere(resolution: int, args: argparse.Namespace) -> Row | str:
    """`generator_row` in a process of its own, or why there is none."""
    limit = args.limit
    command = [sys.executable, __file__, "--one-size", str(resolution), "--device", args.device]
    command += ["--busy"] if args.busy else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"not finished within {limit:.0f} s"
    return json.loads(done.stdout) if done.returncode == 0 else "out of memory"


def photo_row(megapixels: float, clock: Clock) -> Row:
    """Reading the crop and writing the layer of a photo of so many megapixels."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    photo = np.random.default_rng(0).integers(0, 255, (height, height * 3 // 2, 3), np.uint8)
    centre = np.array([height * 0.75, height * 0.5])
    frame = CropFrame.from_axes(centre, np.array([height * 0.25, 0.0]))
    before, _ = extract(photo, frame, 128)
    region = np.zeros((128, 128), bool)
    region[80:100, 44:84] = True
    after = np.where(region[..., None], np.roll(before, 2, axis=0), before)
    return {
        "crop_ms": median_ms(lambda: extract(photo, frame, 128), clock),
        "layer_ms": median_ms(lambda: composite(photo, frame, before, after, region), clock),
    }


def stack_rows(counts: list[int], clock: Clock) -> dict[int, Row]:
    """Previews of so many edits at once."""
    editor = Editor(find_bundle("faces"))
    config, side = editor.bundle.config, editor.bundle.resolution
    frame = CropFrame(np.array([[0, 0], [0, side], [side, side], [side, 0]], np.float64))
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (side, side, 3), np.uint8)
    code = np.zeros((config.n_ws, config.w_dim), np.float32)
    photo = editor.open(pixels, frame, w_plus=code)
    rows = {}
    for count in counts:
        vectors = random.normal(0, 0.01, (count, *code.shape)).astype(np.float32)
        stack = [ScaledEdit(vector, (), 1.0) for vector in vectors]
        rows[count] = {"preview_ms": median_ms(partial(editor.preview, photo, stack), clock, 7)}
    return rows


def show(title: str, rows: dict[int, Row | str]) -> None:
    print(title)
    for size, row in rows.items():
        cells = (
            row if isinstance(row, str) else "".join(f"{k:>12} {v:8.1f}" for k, v in row.items())
        )
        print(f"  {size:>6}  {cells}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 128, 256, 512, 1024])
    parser.add_argument("--megapixels", type=int, nargs="*", default=[4, 12, 24, 50, 100])
    parser.add_argument("--edits", type=int, nargs="*", default=[1, 4, 16, 64])
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for one generator")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--svg", type=Path, help="plot to write")
    parser.add_argument("--one-size", type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        "--busy", action="store_true", help="count processor time: others use this machine too"
    )
    args = parser.parse_args()
    clock = time.process_time if args.busy else time.perf_counter
    if args.one_size:
        print(json.dumps(generator_row(args.one_size, args.device, clock)))
        return
    tables: dict[str, dict[int, Row | str]] = {
        "generator, pixels a side": {n: generator_elsewhere(n, args) for n in args.sizes},
        "photo, megapixels": {n: photo_row(n, clock) for n in args.megapixels},
        "stacked edits": dict(stack_rows(args.edits, clock)) if args.edits else {},
    }
    if args.device == "cuda":
        print(f"generators: {torch.cuda.get_device_name()}; the rest:", end=" ")
    print(f"CPU, {torch.get_num_threads()} threads{', processor time' if args.busy else ''}")
    for title, rows in tables.items():
        show(title, rows)
    if args.svg:
        args.svg.write_text(line_chart(tables))
    print(json.dumps(tables))


if __name__ == "__main__":
    main()
