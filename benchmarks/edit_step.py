#!/usr/bin/env python3
"""One step of an edit's optimisation, ours beside the form that was published, in one run.

    python benchmarks/edit_step.py [--resolution 256] [--classes 32] [--device cpu|cuda]

Random weights at the size of config f, ten heads, the same generator and the same perceptual
network in both, float32, a fixed region of 10 % of the pixels. Times are medians of alternating
pairs; `ratio` is the median of the pairs' ratios. Peaks of memory are taken in a process of its own
for each. A row in bfloat16 is left out where the processor would only imitate it. The last line is
one JSON object; `arithmetic_share` in it is what `head_share` would be if branch and generator
computed at one speed, and did nothing but multiply and add.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.editing.objective import EditObjective, Weights  # noqa: E402
from backend.models.precision import fast_bfloat16  # noqa: E402
from benchmarks import reference  # noqa: E402
from benchmarks.random_model import config_f, random_networks, random_problem  # noqa: E402

Step = Callable[[], tuple[Tensor, Tensor]]  # -> loss, gradient of delta
Clock = Callable[[], float]


class Bench:
    """Both forms of the step on the same networks and the same problem."""

    def __init__(self, resolution: int, classes: int, device: str) -> None:
        self.device = device
        self.networks = random_networks(config_f(resolution), classes, device)
        self.problem = random_problem(self.networks)
        self.delta = self.problem.delta.clone().requires_grad_(True)

    @property
    def w_plus(self) -> Tensor:
        return self.problem.w_plus + self.delta

    def published(self) -> Step:
        networks, problem = self.networks, self.problem
        heads = reference.separate_heads(networks.segmentation)

        def step() -> tuple[Tensor, Tensor]:
            loss = reference.loss(
                networks, heads, self.w_plus, problem.before, problem.target, Weights()
            )
            return loss.detach(), torch.autograd.grad(loss, self.delta)[0]

        return step

    def ours(self, dtype: torch.dtype | None = None) -> Step:
        objective = EditObjective(
            self.networks, self.problem.before, self.problem.target, Weights()
        )

        def step() -> tuple[Tensor, Tensor]:
            with torch.autocast(self.device, dtype=dtype, enabled=dtype is not None):
                image, features = self.networks.generator(self.w_plus)
                loss = torch.stack(list(objective.terms(image, features).values())).sum()
            return loss.detach(), torch.autograd.grad(loss, self.delta)[0]

        return step

    def generator_alone(self) -> None:
        image, _ = self.networks.generator(self.w_plus)
        torch.autograd.grad(image.sum(), self.delta)

    def branch_alone(self) -> Callable[[], None]:
        objective = EditObjective(
            self.networks, self.problem.before, self.problem.target, Weights()
        )
        with torch.no_grad():
            features = [f.detach() for f in self.networks.generator(self.w_plus)[1]]
        features = [f.requires_grad_(True) for f in features]
        return lambda: torch.autograd.grad(objective.cross_entropy(features), features) and None


def timed(work: Callable[[], object], device: str, clock: Clock = time.perf_counter) -> float:
    """Seconds of `work`; by time.process_time, those of the processor, all threads together."""
    if device == "cuda":
        torch.cuda.synchronize()
    began = clock()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - began


def alternate(
    works: dict[str, Callable[[], object]], device: str, rounds: int, clock: Clock
) -> dict[str, list[float]]:
    """Seconds of each work in each round, taken in turns, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            seconds[name].append(timed(work, device, clock))
    return {name: values[1:] for name, values in seconds.items()}


def median_ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def operations(work: Callable[[], object]) -> int:
    """Multiplications and additions in matrix products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def errors(step: Step, expected: tuple[Tensor, Tensor]) -> dict[str, float]:
    """Relative errors of loss and gradient."""
    loss, gradient = step()
    return {
        "loss_error": float((loss - expected[0]).abs() / expected[0].abs()),
        "gradient_error": float((gradient - expected[1]).norm() / expected[1].norm()),
    }


def resident(which: str) -> int:
    """Bytes of this process in memory: VmRSS now, VmHWM at most so far (Linux).

    Not resource.getrusage: what that calls the peak begins with the parent's.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))


def peak(resolution: int, classes: int, device: str, which: str) -> int:
    """Bytes that one step needs beyond networks and problem; run in a process of its own."""
    bench = Bench(resolution, classes, device)
    step = bench.published() if which == "published" else bench.ours()
    return peak_beyond(step, device)


def peak_beyond(work: Callable[[], object], device: str) -> int:
    """Bytes that `work` needs beyond what is in use. On a CPU by the process's peak,
    which an allocator that keeps memory hides: once in a process."""
    if device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated() - before
    Path("/proc/self/clear_refs").write_text("5")  # the peak of what was before does not count
    before = resident("VmRSS")
    work()
    return resident("VmHWM") - before


def peak_elsewhere(args: argparse.Namespace, which: str) -> int:
    command = [sys.executable, __file__, "--peak", which, "--device", args.device]
    command += ["--resolution", str(args.resolution), "--classes", str(args.classes)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(args: argparse.Namespace) -> dict[str, object]:
    bench = Bench(args.resolution, args.classes, args.device)
    published, ours = bench.published(), bench.ours()
    expected = published()
    result: dict[str, object] = errors(ours, expected)
    works = {
        "published": published,
        "ours": ours,
        "generator": bench.generator_alone,
        "branch": bench.branch_alone(),
    }
    half = bench.ours(torch.bfloat16) if fast_bfloat16(args.device) else None
    if half:
        works["ours_bf16"] = half
    clock = time.process_time if args.busy else time.perf_counter
    seconds = alternate(works, args.device, args.pairs, clock)
    result["ratio"] = median_ratio(seconds["published"], seconds["ours"])
    result["head_share"] = median_ratio(seconds["branch"], seconds["generator"])
    result["arithmetic_share"] = operations(works["branch"]) / operations(works["generator"])
    result |= {f"{name}_ms": statistics.median(s) * 1000 for name, s in seconds.items()}
    if half:
        ratio = median_ratio(seconds["published"], seconds["ours_bf16"])
        result["bf16"] = errors(half, expected) | {"ratio": ratio}
    peaks = {which: peak_elsewhere(args, which) for which in ("published", "ours")}
    result["memory_ratio"] = peaks["ours"] / peaks["published"]
    return result | {f"{which}_mb": size / 2**20 for which, size in peaks.items()}


def rounded(value: object) -> object:
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return float(f"{value:.3g}") if isinstance(value, float) else value


def show(result: dict, args: argparse.Namespace) -> None:
    where = torch.cuda.get_device_name() if args.device == "cuda" else "CPU"
    print(f"{args.resolution} x {args.resolution}, {args.classes} classes, {where}, "
          f"{torch.get_num_threads()} threads, medians of {args.pairs} pairs"
          f"{', processor time' if args.busy else ''}")  # fmt: skip
    for name in ("published", "ours", "ours_bf16"):
        if f"{name}_ms" in result:
            size = f"{result[f'{name}_mb']:8.0f} MB" if f"{name}_mb" in result else ""
            print(f"  {name:<12}{result[f'{name}_ms']:10.0f} ms{size}")
    print(f"  generator {result['generator_ms']:.0f} ms, our branch {result['branch_ms']:.0f} ms "
          f"(a share of {result['head_share']:.3f}; of the arithmetic "
          f"{result['arithmetic_share']:.3f})")  # fmt: skip
    rows = {"float32": result, "bf16": result.get("bf16")}
    for name, found in ((k, v) for k, v in rows.items() if v):
        print(f"  {name}: relative error of the loss {found['loss_error']:.1e}, "
              f"of the gradient {found['gradient_error']:.1e}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--classes", type=int, default=32)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    parser.add_argument(
        "--busy", action="store_true", help="count processor time: others use this machine too"
    )
    parser.add_argument("--peak", choices=("published", "ours"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.peak:
        print(peak(args.resolution, args.classes, args.device, args.peak))
        return
    result = rounded(measure(args))
    show(result, args)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
