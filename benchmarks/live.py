"""How closely Live Repaint follows the brush: the waits between previews while somebody paints.

Runs a backend of its own and asks it as the plug-in does, over its socket: a stroke every `--every`
seconds, each of which ends the running request and continues from its iterate. Prints the median
and the longest wait from stroke to preview and between previews; ends with one JSON object. The
goal is a new preview at least every second.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.library_preview import COMMAND, PHOTO, opened  # noqa: E402
from protocol import messages as m  # noqa: E402
from protocol.client import Connection, new_job  # noqa: E402
from protocol.launch import ensure_backend  # noqa: E402

GOAL_S = 1.0


def stroke(parts: list[m.PartLayer], name: str, share: float) -> list[m.PaintedPart]:
    """All layers as they are, but `name` on top and filled to `share` of its height."""
    layers = [m.PaintedPart(part.name, part.rect, part.alpha) for part in parts]
    own = next(layer for layer in layers if layer.part == name)
    width, height = own.rect[2:]
    filled = round(height * share) * width
    data = b"\xff" * filled + bytes(own.alpha.data)[filled:]
    painted = replace(own, alpha=replace(own.alpha, data=data))
    return [painted, *(layer for layer in layers if layer is not own)]


class Painter:
    """Strokes on one thread, previews noted on another, as in the plug-in."""

    def __init__(self, connection: Connection, parts: list[m.PartLayer], name: str) -> None:
        self._connection, self._parts, self._name = connection, parts, name
        self.strokes: list[float] = []
        self.previews: list[float] = []

    def paint(self, count: int, every: float) -> None:
        for number in range(count):
            layers = stroke(self._parts, self._name, 0.5 + (number + 1) / count / 2)
            request = m.LiveRepaint(PHOTO, layers, resume=number > 0)
            job = new_job()
            self.strokes.append(time.perf_counter())
            running = threading.Thread(target=self._follow, args=(request, job))
            running.start()
            time.sleep(every)
            while running.is_alive() and max(self.previews, default=0) < self.strokes[-1]:
                time.sleep(0.01)  # the first preview of a stroke counts, however late it is
            self._connection.cancel(job, keep=True)
            running.join()

    def waits(self) -> list[float]:
        """Seconds from each stroke, and from each preview of it, to the next preview."""
        moments = sorted(
            [(at, False) for at in self.strokes] + [(at, True) for at in self.previews]
        )
        pairs = itertools.pairwise(moments)
        return [after - before for (before, _), (after, shown) in pairs if shown]

    def _follow(self, request: m.LiveRepaint, job: str) -> None:
        self._connection.request(request, self._note, job)

    def _note(self, event: m.Event) -> None:
        if isinstance(event, m.Preview):
            self.previews.append(time.perf_counter())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photo", type=Path, default=ROOT / "assets/portrait.png")
    parser.add_argument("--bundle", default="faces")
    parser.add_argument("--part", default="nose")
    parser.add_argument("--megapixels", type=float, default=4.0)
    parser.add_argument("--strokes", type=int, default=8)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between strokes")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["EDITGAN_HOME"] = home
        with ensure_backend(COMMAND, cwd=ROOT) as connection:
            parts = opened(connection, args.photo, args.bundle, args.megapixels).parts
            painter = Painter(connection, parts, args.part)
            painter.paint(args.strokes, args.every)
            connection.shutdown()
    waits = painter.waits()
    print(f"{args.bundle}, {args.megapixels:g} megapixels, {args.strokes} strokes on {args.part}")
    print(f"waits for a preview: median {statistics.median(waits):.2f} s, longest {max(waits):.2f}")
    figures = {
        "previews": len(painter.previews),
        "median_s": round(statistics.median(waits), 3),
        "longest_s": round(max(waits), 3),
        "goal_s": GOAL_S,
        "load": round(os.getloadavg()[0], 1),
        "cpus": os.cpu_count(),
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
