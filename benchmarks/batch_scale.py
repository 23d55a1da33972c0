#!/usr/bin/env python3
"""What a cluster would do with a batch: a simulation with measured times, 1 to 1,000 workers.

    python benchmarks/batch_scale.py --report OUT/report.json [--photos 3000] [--photo-mb 8]
                                     [--read-mb-s 1000] [--write-mb-s 500] [--gpu-embed 0.5]

report: of a real `editgan batch`, whose seconds by stage are drawn from, photo by photo. Each
worker reads, edits and writes at the same time, six photos at once, as the crews do. What all
share is a storage: one queue for reading and one for writing, each of so many megabytes a second,
and the one who hands out, who commits each result (--commit seconds, measured by this script on the
disk that holds the report). --gpu-embed: seconds of an embedding on a GPU, instead of the report's.
Discrete events, no randomness but a seeded choice of the photos' times. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.batch.local_crew import DEPTH  # noqa: E402

WORKERS = (1, 2, 4, 8, 16, 32, 64, 100, 200, 400, 700, 1000)


@dataclass(frozen=True)
class Photo:
    """Seconds of one photo: decoding, the engine, encoding."""

    decode: float
    engine: float
    encode: float


@dataclass(frozen=True)
class Shared:
    """What all wait for: seconds of one photo on the storage, and at the one who commits."""

    read: float
    write: float
    commit: float


class Queue:
    """One that serves in turn."""

    def __init__(self) -> None:
        self.free = self.busy = 0.0

    def serve(self, at: float, seconds: float) -> float:
        """When what comes at a time is served."""
        self.free = max(self.free, at) + seconds
        self.busy += seconds
        return self.free


def simulate(photos: Sequence[Photo], workers: int, shared: Shared) -> dict[str, float]:
    """Photos a second, and how busy storage, committing and engines are, 0..1.

    Events are taken in the order of their times: (time, order, worker, stage, photo).
    """
    reading, writing, committing = Queue(), Queue(), Queue()
    engines = [Queue() for _ in range(workers)]
    left, order, events, end = (
        list(reversed(photos)),
        0,
        list[tuple[float, int, int, int, Photo]](),
        0.0,
    )
    for slot in range(min(workers * DEPTH, len(photos))):
        heapq.heappush(events, (0.0, order := order + 1, slot % workers, 0, left.pop()))
    while events:
        now, _, worker, stage, photo = heapq.heappop(events)
        if stage == 0:
            now = reading.serve(now, shared.read) + photo.decode
        elif stage == 1:
            now = engines[worker].serve(now, photo.engine) + photo.encode
        elif stage == 2:
            now = writing.serve(now, shared.write)
        else:
            end = max(end, committing.serve(now, shared.commit))
            if not left:
                continue
            stage, photo = -1, left.pop()
        heapq.heappush(events, (now, order := order + 1, worker, stage + 1, photo))
    return {
        "photos_per_second": len(photos) / end,
        "engines": sum(engine.busy for engine in engines) / workers / end,
        "reading": reading.busy / end,
        "writing": writing.busy / end,
        "committing": committing.busy / end,
    }


def photos_of(report: Path, count: int, embed: float | None) -> list[Photo]:
    """Photos with the times of those in a report, drawn again and again."""
    rows = json.loads(report.read_text(encoding="utf-8"))["results"]
    times = [row["seconds"] for row in rows if row["status"] == "edited" and not row["earlier"]]
    if not times:
        sys.exit(f"{report} tells of no photo that was edited; run a batch into a fresh folder.")
    drawn = random.Random(0).choices(times, k=count)
    return [
        Photo(
            one["read"],
            one["find"] + one["apply"] + (one["embed"] if embed is None else embed),
            one["write"],
        )
        for one in drawn
    ]


def commit_seconds(folder: Path) -> float:
    """Of one result, noted twice and renamed, each seen to the disk that holds the report."""
    path, rounds = folder / ".commit-probe", 20
    with path.open("wb") as file:
        began = time.perf_counter()
        for _ in range(3 * rounds):
            file.write(bytes(1000))
            file.flush()
            os.fsync(file.fileno())
        seconds = time.perf_counter() - began
    path.unlink()
    return seconds / rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=3000)
    parser.add_argument("--photo-mb", type=float, default=8.0)
    parser.add_argument("--read-mb-s", type=float, default=1000.0)
    parser.add_argument("--write-mb-s", type=float, default=500.0)
    parser.add_argument("--gpu-embed", type=float)
    parser.add_argument("--commit", type=float)
    args = parser.parse_args()
    commit = commit_seconds(args.report.parent) if args.commit is None else args.commit
    shared = Shared(args.photo_mb / args.read_mb_s, args.photo_mb / args.write_mb_s, commit)
    photos = photos_of(args.report, args.photos, args.gpu_embed)
    rows = {workers: simulate(photos, workers, shared) for workers in WORKERS}
    print("workers  photos/s  engines  reading  writing  committing")
    for workers, row in rows.items():
        shares = "  ".join(
            f"{row[k]:7.0%}" for k in ("engines", "reading", "writing", "committing")
        )
        print(f"{workers:7d}  {row['photos_per_second']:8.2f}  {shares}")
    print(json.dumps({"commit_s": round(commit, 5), "workers": rows}))


if __name__ == "__main__":
    main()
