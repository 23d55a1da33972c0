#!/usr/bin/env python3
"""One step of an edit's optimisation, ours beside the form that was published, in one run.

    python benchmarks/edit_step.py [--resolution 256] [--classes 32] [--device cpu|cuda]

Random weights at the size of config f, ten heads, the same generator and the same perceptual
network in both, float32, a fixed region of 10 % of the pixels. Times are medians of alternating
pairs; `ratio` is the median of the pairs' ratios. Peaks of memory are taken in a process of its own
for each. A row in bfloat16 is left out where the processor would only imitate it. The last line is
one JSON object; `arithmetic_share` in it is what `head_share` would be if branch and generator
computed at one speed, and did nothing but multiply and add.

On a GPU the engine records a step and replays it, so what is ours is timed that way, generator and
branch alone too; `launched` are the same times of ours without. A row of its own has products in
TF32, which is how the backend runs (float32 is torch's default: convolutions in TF32, products
not).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.editing.objective import EditObjective  # noqa: E402
from backend.editing.options import Weights  # noqa: E402
from backend.models.runtime.precision import fast_bfloat16, products_in  # noqa: E402
from backend.models.runtime.replay import Replay  # noqa: E402
from benchmarks import reference  # noqa: E402
from benchmarks.random_model import config_f, random_networks, random_problem  # noqa: E402

Step = Callable[[], tuple[Tensor, Tensor]]  # -> loss, gradient of delta
Clock = Callable[[], float]
Result = TypeVar("Result")


class Bench:
    """Both forms of the step on the same networks and the same problem."""

    def __init__(self, resolution: int, classes: int, device: str) -> None:
        self.device = device
        self.networks = random_networks(config_f(resolution), classes, device)
        self.problem = random_problem(self.networks)
        self.w_plus = self.problem.w_plus + self.problem.delta

    def delta(self) -> Tensor:
        """A new leaf: a recording needs its own."""
        return self.problem.delta.detach().requires_grad_(True)

    def published(self) -> Step:
        networks, problem = self.networks, self.problem
        heads = reference.separate_heads(networks.segmentation)

        def step() -> tuple[Tensor, Tensor]:
            delta = self.delta()
            w_plus = problem.w_plus + delta
            loss = reference.loss(networks, heads, w_plus, problem.before, problem.target)
            return loss.detach(), torch.autograd.grad(loss, delta)[0]

        return step

    def ours(self, dtype: torch.dtype | None = None) -> Step:
        """In autocast to a type, if one is given."""
        objective = EditObjective(
            self.networks, self.problem.before, self.problem.target, Weights()
        )

        def step() -> tuple[Tensor, Tensor]:
            delta = self.delta()
            with torch.autocast(self.device, dtype=dtype, enabled=dtype is not None):
                image, features = self.networks.generator(self.problem.w_plus + delta)
                loss = torch.stack(list(objective.terms(image, features).values())).sum()
            return loss.detach(), torch.autograd.grad(loss, delta)[0]

        return step

    def generator_alone(self) -> None:
        delta = self.delta()
        image, _ = self.networks.generator(self.problem.w_plus + delta)
        torch.autograd.grad(image.sum(), delta)

    def branch_alone(self) -> Callable[[], None]:
        objective = EditObjective(
            self.networks, self.problem.before, self.problem.target, Weights()
        )
        with torch.no_grad():
            features = self.networks.generator(self.w_plus)[1]

        def branch() -> None:
            leaves = [feature.detach().requires_grad_(True) for feature in features]
            torch.autograd.grad(objective.cross_entropy(leaves), leaves)

        return branch


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


def arithmetic_share(resolution: int, classes: int) -> float:
    """The branch's operations as a share of the generator's own; counted on a CPU, since on a GPU
    sparse products would count as dense ones."""
    bench = Bench(resolution, classes, "cpu")
    return operations(bench.branch_alone()) / operations(bench.generator_alone)


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


def as_run(work: Callable[[], Result], device: str) -> Callable[[], Result]:
    """`work` as the engine runs it on the device: recorded on a GPU."""
    if device != "cuda":
        return work
    work()
    return Replay(work)


def measure(args: argparse.Namespace) -> dict[str, object]:
    bench, on_gpu = Bench(args.resolution, args.classes, args.device), args.device == "cuda"
    published, step, branch = bench.published(), bench.ours(), bench.branch_alone()
    expected = published()
    parts: dict[str, Callable[[], object]] = {
        "generator": bench.generator_alone, "branch": branch
    }  # fmt: skip
    works = {name: as_run(work, args.device) for name, work in parts.items()}
    steps = {"ours": as_run(step, args.device)}
    result: dict[str, object] = {**errors(steps["ours"], expected)}
    if fast_bfloat16(args.device):
        steps["bf16"] = as_run(bench.ours(torch.bfloat16), args.device)
    if on_gpu:
        works |= {f"{name}_launched": work for name, work in {"ours": step, **parts}.items()}
        with products_in("high"):
            steps["tf32"] = as_run(step, args.device)
            works["branch_tf32"] = as_run(branch, args.device)
    clock = time.process_time if args.busy else time.perf_counter
    seconds = alternate({"published": published, **steps, **works}, args.device, args.pairs, clock)
    for name in steps.keys() - {"ours"}:
        ratio = median_ratio(seconds["published"], seconds[name])
        result[name] = errors(steps[name], expected) | {"ratio": ratio}
    result["ratio"] = median_ratio(seconds["published"], seconds["ours"])
    for name in (name for name in works if name.startswith("branch")):
        of = "generator_launched" if name == "branch_launched" else "generator"
        share = median_ratio(seconds[name], seconds[of])
        result[name.replace("branch", "head_share")] = share
    result["arithmetic_share"] = arithmetic_share(args.resolution, args.classes)
    result |= {f"{name}_ms": statistics.median(s) * 1000 for name, s in seconds.items()}
    peaks = {which: peak_elsewhere(args, which) for which in ("published", "ours")}
    result["memory_ratio"] = peaks["ours"] / peaks["published"]
    return result | {f"{which}_mb": size / 2**20 for which, size in peaks.items()}


def rounded(value: object) -> object:
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return float(f"{value:.3g}") if isinstance(value, float) else value


def show(result: Mapping[str, Any], args: argparse.Namespace) -> None:
    where = torch.cuda.get_device_name() if args.device == "cuda" else "CPU"
    print(f"{args.resolution} x {args.resolution}, {args.classes} classes, {where}, "
          f"{torch.get_num_threads()} threads, medians of {args.pairs} pairs"
          f"{', processor time' if args.busy else ''}")  # fmt: skip
    for name in ("published", "ours", "ours_launched", "tf32", "bf16"):
        if f"{name}_ms" in result:
            size = f"{result[f'{name}_mb']:8.0f} MB" if f"{name}_mb" in result else ""
            print(f"  {name:<16}{result[f'{name}_ms']:10.1f} ms{size}")
    for kind in ("", "_launched", "_tf32"):
        if f"branch{kind}_ms" in result:
            of = "generator_launched" if kind == "_launched" else "generator"
            print(f"  generator {result[f'{of}_ms']:.1f} ms, our branch{kind.replace('_', ', ')} "
                  f"{result[f'branch{kind}_ms']:.1f} ms: a share of "
                  f"{result[f'head_share{kind}']:.3f}")  # fmt: skip
    print(f"  the branch's share of the arithmetic: {result['arithmetic_share']:.3f}")
    rows = {"float32": result, "tf32": result.get("tf32"), "bf16": result.get("bf16")}
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
    result = {name: rounded(value) for name, value in measure(args).items()}
    show(result, args)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
