"""How fast the edit library answers: a slider's preview, the layers for the canvas while it is
dragged and when it rests, and the thumbnails of all edits.

Runs a backend of its own and asks it as the plug-in does, over its socket. Prints the median and
the 90th percentile; ends with one JSON object. The goal is a new preview within 100 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.photos.formats import open_picture  # noqa: E402
from backend.server.wire import to_pixels  # noqa: E402
from protocol import messages as m  # noqa: E402
from protocol.client import Connection  # noqa: E402
from protocol.launch import ensure_backend  # noqa: E402

GOAL_MS = 100.0
PHOTO = "benchmark"
_FACE = 96  # side of the EditGAN window's small picture
COMMAND = [sys.executable, "-m", "backend.cli", "serve"]


def opened(connection: Connection, path: Path, bundle: str, megapixels: float) -> m.Segmented:
    """Segment the photo, enlarged to about so many megapixels."""
    picture = open_picture(path).convert("RGB")
    scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    pixels = np.asarray(picture)
    small = picture.copy()
    small.thumbnail((1024, 1024))
    ratio = picture.width / small.width
    found = connection.request(
        m.Detect(bundle, to_pixels(np.asarray(small)), ratio, picture.width, picture.height)
    )
    assert isinstance(found, m.Detected)
    subject = found.subjects[0]
    x, y, w, h = subject.rect
    crop = to_pixels(pixels[y : y + h, x : x + w])
    size = picture.width, picture.height
    request = m.Segment(bundle, PHOTO, subject.quad, subject.rect, crop, *size)
    segmented = connection.request(request)
    assert isinstance(segmented, m.Segmented)
    return segmented


def timed(work: Callable[[int], object], repeats: int) -> list[float]:
    """Milliseconds of each call, after one that is not counted."""
    work(-1)
    times = []
    for number in range(repeats):
        begin = time.perf_counter()
        work(number)
        times.append((time.perf_counter() - begin) * 1000)
    return times


def measure(args: argparse.Namespace) -> dict[str, float]:
    with ensure_backend(COMMAND, cwd=ROOT) as connection:
        try:
            opened(connection, args.photo, args.bundle, args.megapixels)
            listed = connection.request(m.ListEdits(args.bundle))
            assert isinstance(listed, m.Edits) and listed.edits, "the bundle has no edits"
            names = [edit.name for edit in listed.edits]

            def stack(number: int) -> list[m.EditRef]:
                return [m.EditRef(name, scale=0.2 + 0.01 * number) for name in names[: args.stack]]

            def slide(number: int) -> None:
                connection.request(m.PreviewStack(PHOTO, stack(number), args.side))

            def drag(number: int) -> None:
                connection.request(m.PreviewStack(PHOTO, stack(number), _FACE, on_photo=True))

            def rest(number: int) -> None:
                connection.request(m.Apply(PHOTO, stack(number)))

            def list_all(number: int) -> None:  # another scale each time: none is kept from before
                edits = [m.EditRef(name, scale=1 + 0.001 * number) for name in names]
                connection.request(m.PreviewEdits(PHOTO, edits))

            slides, drags, rests = (timed(work, args.repeats) for work in (slide, drag, rest))
            lists = timed(list_all, max(2, args.repeats // 10))
        finally:
            connection.shutdown()
    return {
        "preview_ms": statistics.median(slides),
        "preview_p90_ms": statistics.quantiles(slides, n=10)[-1],
        "fastest_preview_ms": min(slides),
        "canvas_dragged_ms": statistics.median(drags),
        "canvas_exact_ms": statistics.median(rests),
        "thumbnails_ms": statistics.median(lists),
        "edits": len(names),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=ROOT / "assets" / "portrait.png")
    parser.add_argument("--bundle", default="faces")
    parser.add_argument("--megapixels", type=float, default=24.0)
    parser.add_argument("--side", type=int, default=384, help="of the preview, in pixels")
    parser.add_argument("--stack", type=int, default=3, help="edits that are stacked")
    parser.add_argument("--repeats", type=int, default=40)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="editgan-") as home:
        os.environ["EDITGAN_HOME"] = home
        figures = measure(args)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} processor cores, load {load:.1f} (other programs included)")
    for name, value in figures.items():
        print(f"{name:<20}{value:>10.1f}")
    verdict = "reached" if figures["preview_ms"] < GOAL_MS else "missed"
    print(f"goal of {GOAL_MS:.0f} ms per preview: {verdict}")
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
