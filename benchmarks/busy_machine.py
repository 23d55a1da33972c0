#!/usr/bin/env python3
"""How long an optimisation step takes where another program uses one core, and where none does.

    python benchmarks/busy_machine.py [--spins 0 2000 20000] [--steps 15]

By how long OpenMP's threads spin while they wait for each other (GOMP_SPINCOUNT): a thread that
spins holds a core, and the system leaves the one that it waits for behind the other program.
backend/__init__.py chooses from this. Linux; medians in milliseconds; the last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import backend  # noqa: E402, F401 - settles how threads wait, before torch is imported

_LONGEST = 30.0  # seconds for the steps of one figure


def step_ms(steps: int) -> float:
    """The median step of an edit with the shipped `faces` bundle, in this process."""
    import torch

    from backend.bundles import find_bundle
    from backend.bundles.networks import load_networks
    from backend.editing.objective import EditObjective
    from backend.editing.optimise import optimise_delta
    from backend.editing.options import Weights
    from benchmarks.random_model import random_problem

    networks = load_networks(find_bundle("faces"), torch.device("cpu"))
    problem = random_problem(networks, share=0.05)
    objective = EditObjective(networks, problem.before, problem.target, Weights())
    ends: list[float] = []

    def report(news: object) -> bool:
        ends.append(time.perf_counter())
        return ends[-1] - ends[0] > _LONGEST

    optimise_delta(networks, problem.w_plus, objective, steps=steps + 2, progress=report)
    seconds = [end - begin for begin, end in pairwise(ends)]
    return statistics.median(seconds[1:] or seconds) * 1000


def elsewhere(spin: int, steps: int) -> float:
    """`step_ms` in a process whose threads spin that long."""
    command = [sys.executable, __file__, "--steps", str(steps), "--here"]
    environment = os.environ | {"GOMP_SPINCOUNT": str(spin)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


@contextmanager
def one_core_busy() -> Iterator[None]:
    """Another program computes on one core and stays there."""
    core = min(os.sched_getaffinity(0))
    endless = f"import os; os.sched_setaffinity(0, [{core}])\nwhile True: pass"
    program = subprocess.Popen([sys.executable, "-c", endless])
    try:
        yield
    finally:
        program.kill()
        program.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spins", type=int, nargs="+", default=[0, 2000, 20000])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(step_ms(args.steps))
        return
    free = {spin: elsewhere(spin, args.steps) for spin in args.spins}
    with one_core_busy():
        busy = {spin: elsewhere(spin, args.steps) for spin in args.spins}
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(f"{cores} cores, load {load:.1f}; one step, ms")
    print(f"{'spins':>8}{'free':>9}{'one core busy':>15}")
    for spin in args.spins:
        print(f"{spin:>8}{free[spin]:>9.0f}{busy[spin]:>15.0f}")
    print(json.dumps({"cores": cores, "free_ms": free, "busy_ms": busy}))


if __name__ == "__main__":
    main()
