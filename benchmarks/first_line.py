#!/usr/bin/env python3
"""How fast the whole line is: `python benchmarks/first_line.py [--photo FILE] [--repeats N]`.

A real backend is started in a data directory of its own and spoken to over its sockets, as GIMP
does. Every figure is a median; the last line is one JSON object.
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

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from backend.photos.cv import resize  # noqa: E402
from backend.photos.folder import read_rgb  # noqa: E402
from protocol.client import Connection  # noqa: E402
from protocol.geometry import Rect  # noqa: E402
from protocol.launch import ensure_backend  # noqa: E402
from protocol.messages import (  # noqa: E402
    Apply,
    Detect,
    Detected,
    Edited,
    EditRef,
    Level,
    PaintedPart,
    Pixels,
    Repaint,
    Repainted,
    Segment,
    Segmented,
)

GOALS = {
    "first_answer_s": 4.0,
    "segment_24mp_s": 6.0,
    "step_ms": 100.0,
    "vector_ms": 200.0,
    "memory_mb": 1500.0,
}


def timed(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of `work`."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def pixels_of(image: NDArray[np.generic]) -> Pixels:
    height, width = image.shape[:2]
    channels = image.shape[2] if image.ndim == 3 else 1
    return Pixels(width, height, channels, "u8", np.ascontiguousarray(image).tobytes())


def large_photo(path: Path, megapixels: float = 24.0) -> NDArray[np.uint8]:
    """The photo enlarged to `megapixels`, uint8 [H, W, 3]."""
    image = read_rgb(path)
    scale = (megapixels * 1e6 / (image.shape[0] * image.shape[1])) ** 0.5
    size = round(scale * image.shape[1]), round(scale * image.shape[0])
    return resize(image, size, cv2.INTER_CUBIC)


class Client:
    """What the plug-in does, without GIMP."""

    def __init__(self, connection: Connection, photo: NDArray[np.uint8]) -> None:
        self.connection, self.photo = connection, photo
        self.count = 0

    def segment(self, level: Level = "fast") -> Segmented:
        height, width = self.photo.shape[:2]
        scale = max(height, width) / 1024
        size = (round(width / scale), round(height / scale))
        preview = cv2.resize(self.photo, size, interpolation=cv2.INTER_AREA)
        # A pixel differs each time, so that nothing is remembered of the time before.
        self.count += 1
        preview[0, 0] = self.count
        found = self.connection.request(Detect("faces", pixels_of(preview), scale, width, height))
        assert isinstance(found, Detected)
        subject = found.subjects[0]
        x, y, w, h = subject.rect
        cut = self.photo[y : y + h, x : x + w].copy()
        cut[0, 0] = self.count
        request = Segment(
            "faces", f"photo-{self.count}", subject.quad, subject.rect, pixels_of(cut), width,
            height, level,
        )  # fmt: skip
        answer = self.connection.request(request)
        assert isinstance(answer, Segmented)
        return answer

    def repaint(self, segmented: Segmented, steps: int) -> Repainted:
        """The nose moved down by a twentieth of its layer's width."""
        layers = []
        for part in segmented.parts:
            x, y, w, h = part.rect
            down = round(w / 4) if part.name == "nose" else 0
            layers.append(PaintedPart(part.name, Rect(x, y + down, w, h), part.alpha))
        layers.sort(key=lambda layer: layer.part != "nose")
        answer = self.connection.request(Repaint(segmented.photo, layers, steps))
        assert isinstance(answer, Repainted)
        return answer

    def apply(self, segmented: Segmented, edit: str) -> Edited:
        answer = self.connection.request(Apply(segmented.photo, [EditRef(name=edit)]))
        assert isinstance(answer, Edited)
        return answer


def measure(photo: Path, repeats: int, edit: str) -> dict[str, float]:
    """All figures, by name."""
    command = [sys.executable, "-m", "backend.cli", "serve"]
    began = time.perf_counter()
    with ensure_backend(command, cwd=ROOT) as connection:
        connection.ping()
        first_answer = time.perf_counter() - began
        try:
            return {"first_answer_s": first_answer} | _warm(connection, photo, repeats, edit)
        finally:
            connection.shutdown()


def _warm(connection: Connection, photo: Path, repeats: int, edit: str) -> dict[str, float]:
    large = Client(connection, large_photo(photo))
    large.segment()  # loads the model: the backend is warm from here on
    segment = timed(large.segment, repeats)
    small = Client(connection, large_photo(photo, 0.25))
    small.count = 100
    opened = small.segment()
    steps = 20
    short, long = (
        statistics.median(small.repaint(opened, n).report.seconds or 0.0 for _ in range(repeats))
        for n in (1, 1 + steps)
    )
    vector = timed(lambda: small.apply(opened, edit), 3 * repeats)
    return {
        "segment_24mp_s": segment,
        "step_ms": (long - short) / steps * 1000,
        "vector_ms": vector * 1000,
        "memory_mb": float(connection.status().memory_mb),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=ROOT / "assets" / "portrait.png")
    parser.add_argument("--edit", default="smile", help="the preset whose vector is applied")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="editgan-") as home:
        os.environ["EDITGAN_HOME"] = home
        figures = measure(args.photo.resolve(), args.repeats, args.edit)
    print(f"{'figure':<18}{'measured':>12}{'goal':>12}")
    for name, value in figures.items():
        print(f"{name:<18}{value:>12.1f}{GOALS[name]:>12.1f}")
    print(json.dumps({k: round(v, 2) for k, v in figures.items()}))


if __name__ == "__main__":
    main()
