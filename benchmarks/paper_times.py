#!/usr/bin/env python3
"""The running times that the paper gives (section 4.2), and ours beside them.

    python benchmarks/paper_times.py [--device cpu|cuda] [--resolution N]

The paper measured on a V100, at its models' sizes; on CUDA, ours run at 1024 x 1024, config f, 32
classes, random weights. Without a GPU, ours run on the CPU at 256 x 256: times that cannot be
compared with the paper's, only with each other. Three steps are timed then, and multiplied.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from functools import partial
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.editing.objective import EditObjective  # noqa: E402
from backend.editing.optimise import optimise_delta  # noqa: E402
from backend.editing.options import Weights  # noqa: E402
from backend.models.runtime.precision import use_fast_matrices  # noqa: E402
from backend.models.runtime.replay import Recorded  # noqa: E402
from benchmarks.edit_step import Bench, timed  # noqa: E402

CLASSES = 32
ROWS = (  # what, optimisation steps, seconds in the paper, our goal on an H100
    ("a vector applied", 0, 0.4, 0.02),
    ("10 steps of refinement", 10, 4.2, 0.4),
    ("30 steps of optimisation", 30, 11.4, 1.0),
    ("60 steps of optimisation", 60, 18.9, 2.0),
)
_TIMED_ON_CPU = 3


def seconds_for(bench: Bench, steps: int) -> float:
    """Seconds of so many steps; of applying a vector for none: the picture and its parts."""
    networks, problem = bench.networks, bench.problem
    segmented = Recorded(networks.picture_and_labels)

    def apply() -> None:
        image, labels = segmented(problem.w_plus + problem.delta)
        image.clone(), labels.cpu()

    def run(count: int) -> None:
        objective = EditObjective(networks, problem.before, problem.target, Weights())
        optimise_delta(networks, problem.w_plus, objective, steps=count)

    if not steps:
        times = [timed(apply, bench.device) for _ in range(5)]
        return statistics.median(times[2:])  # the second call records
    if bench.device == "cuda":
        run(3)  # long enough to be recorded: the second edit of a session is what is timed
        return statistics.median(timed(lambda: run(steps), bench.device) for _ in range(3))
    first, last = (timed(partial(run, n), bench.device) for n in (1, 1 + _TIMED_ON_CPU))
    return first + (last - first) / _TIMED_ON_CPU * (steps - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=("cpu", "cuda"), default=default)
    parser.add_argument("--resolution", type=int, help="default: 1024 on CUDA, 256 on a CPU")
    args = parser.parse_args()
    on_gpu = args.device == "cuda"
    resolution = args.resolution or (1024 if on_gpu else 256)
    use_fast_matrices(args.device)  # as the backend does
    bench = Bench(resolution, CLASSES, args.device)
    where = torch.cuda.get_device_name() if on_gpu else f"CPU, {torch.get_num_threads()} threads"
    print(f"ours: {resolution} x {resolution} on {where}; the GPU's goals are for 1024 on an H100")
    if not on_gpu:
        print("No GPU is used: the column of the GPU stays empty; the CPU's is of a reduced size.")
    print(f"{'':26}{'paper, V100':>12}{'goal, GPU':>12}{'ours, GPU':>12}{'ours, CPU':>12}")
    found = {}
    for name, steps, paper, goal in ROWS:
        found[name] = round(seconds_for(bench, steps), 3)
        gpu, cpu = (f"{found[name]:.2f} s", "") if on_gpu else ("", f"{found[name]:.2f} s")
        print(f"{name:26}{paper:>10.1f} s{goal:>10.2f} s{gpu:>12}{cpu:>12}")
    print(json.dumps({"device": args.device, "resolution": resolution, "seconds": found}))


if __name__ == "__main__":
    main()
