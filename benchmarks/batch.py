#!/usr/bin/env python3
"""`editgan batch` against `editgan apply` in a loop with a warm model, on the same photos.

    python benchmarks/batch.py PHOTOS... [--rounds 2] [--level balanced] [--edit smile:0.5]
                               [--workers 2]

Both do the same to every photo (read, find, embed, apply, encode, write to the disk), with models
loaded beforehand and no embedding kept. `apply` computes with torch's own number of threads, as the
command does. The two take turns, `--rounds` times; results are compared, which differ as far as a
batch embeds several subjects in one descent. The last line is one JSON object with the ratio of
the best rounds, the processors' seconds of each photo (on Linux; threads that spin count, too), the
most memory that a member took, and where the seconds went.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# The backend's packages come first: they say how long torch's threads spin while they wait.
from backend.batch import manifest as manifests  # noqa: E402
from backend.batch.found import find_photos  # noqa: E402
from backend.batch.local_crew import LocalCrew  # noqa: E402
from backend.batch.run import plan, sums, work  # noqa: E402
from backend.batch.stack import scaled_edits, stack_of  # noqa: E402
from backend.batch.tasks import BatchSettings, Outcome  # noqa: E402
from backend.bundles import find_bundle  # noqa: E402
from backend.commands.session import place_in  # noqa: E402
from backend.commands.stacks import edit_and_scale  # noqa: E402
from backend.editing.editor import Editor  # noqa: E402
from backend.photos.files import read_photo, write_photo  # noqa: E402
from backend.session.declaration import declared  # noqa: E402
from edit_library import Library  # noqa: E402
from protocol.paths import library_dir  # noqa: E402


def apply_in_a_loop(
    editor: Editor, photos: Sequence[Path], settings: BatchSettings, out: Path
) -> float:
    """Seconds for what `editgan apply` does with each photo, its model loaded."""
    edits, began = scaled_edits(settings.stack), time.perf_counter()
    for path in photos:
        session = place_in(editor, read_photo(path)).open(settings.level, quiet=True)
        photo = session.place.photo
        layer = session.to_photo(editor.apply(session.opened, edits).layer)
        changed = declared(photo.with_layer(layer), "compositeWithTrainedAlgorithmicMedia")
        write_photo(changed, out / path.name)
    return time.perf_counter() - began


def batch(
    crew: LocalCrew, photos: Sequence[Path], settings: BatchSettings, out: Path
) -> tuple[float, list[Outcome]]:
    """Seconds for the same by a crew that has its models loaded, and its outcomes."""
    with manifests.opened(out) as manifest:
        began = time.perf_counter()
        planned = plan(manifest, find_photos(photos, out).photos, settings)
        outcomes = list(work(crew, manifest, planned, settings, lambda: False, lambda task: None))
        return time.perf_counter() - began, outcomes


def processor_seconds(crew: LocalCrew) -> float:
    """What the members have computed so far; 0 where there is no /proc."""
    total = 0
    for member in crew._members:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{member.process.pid}/stat").read_text(encoding="ascii")
            total += sum(int(ticks) for ticks in stat.rpartition(")")[2].split()[11:13])
    return total / os.sysconf("SC_CLK_TCK")


def peak_of_members(crew: LocalCrew) -> int:
    """The most memory that one of them has had, in MB; 0 where there is no /proc."""
    peaks = [0]
    for member in crew._members:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{member.process.pid}/status").read_text(encoding="ascii")
            peaks.append(int(status.partition("VmHWM:")[2].split()[0]) >> 10)
    return max(peaks)


def difference(one: Path, other: Path) -> float:
    """The mean difference of two results' pixel values, 0..255."""
    pixels = [read_photo(path).to_u8().astype(np.int16) for path in (one, other)]
    return float(np.abs(pixels[0] - pixels[1]).mean())


def warm(crew: LocalCrew, count: int) -> None:
    """Wait until all members have their models."""
    while sum(member.ready for member in crew._members) < count:
        crew.wait(0.5)


def forget(home: Path) -> None:
    """No embedding of the last round."""
    shutil.rmtree(home / "cache", ignore_errors=True)


def measured(args: argparse.Namespace, home: Path) -> dict[str, Any]:
    import torch

    bundle = find_bundle("faces")
    edits = [edit_and_scale(Library(library_dir()), bundle, text) for text in args.edit]
    settings = BatchSettings(stack_of(bundle, edits), args.level)
    editor, threads = Editor(bundle, "cpu"), torch.get_num_threads()
    loops, batches, stages = list[float](), list[float](), dict[str, float]()
    computed = {"apply": 0.0, "batch": 0.0}
    per_member = max(1, len(os.sched_getaffinity(0)) // args.workers)
    with LocalCrew(args.workers, settings, threads=per_member) as crew:
        warm(crew, args.workers)
        for turn in range(args.rounds):
            one, many = home / f"apply-{turn}", home / f"batch-{turn}"
            one.mkdir()
            forget(home)
            before = time.process_time()
            loops.append(apply_in_a_loop(editor, args.photos, settings, one))
            computed["apply"] += time.process_time() - before
            forget(home)
            before = processor_seconds(crew)
            seconds, outcomes = batch(crew, args.photos, settings, many)
            computed["batch"] += processor_seconds(crew) - before
            batches.append(seconds)
            stages = dict(sums(outcomes))
            print(f"apply {loops[-1]:.1f} s, batch {seconds:.1f} s", flush=True)
            apart = [difference(one / p.name, many / p.name) for p in args.photos]
            print(f"results differ by {max(apart):.2f} of 255 on average, at most", flush=True)
        peak = peak_of_members(crew)
    count = len(args.photos)
    return {
        "photos": count,
        "threads_of_apply": threads,
        "workers": args.workers,
        "apply_photos_per_second": round(count / min(loops), 4),
        "batch_photos_per_second": round(count / min(batches), 4),
        "processor_seconds_per_photo": {
            name: round(seconds / count / args.rounds, 2) for name, seconds in computed.items()
        },
        "megabytes_of_a_member": peak,
        "ratio": round(min(loops) / min(batches), 3),
        "stages": {name: round(value / count, 3) for name, value in stages.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--level", default="balanced")
    parser.add_argument("--edit", action="append", default=[])
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    args.edit = args.edit or ["smile:0.5", "bigger-eyes:0.3"]
    with tempfile.TemporaryDirectory(prefix="editgan-batch-") as folder:
        os.environ["EDITGAN_HOME"] = folder
        print(json.dumps(measured(args, Path(folder))))


if __name__ == "__main__":
    main()
