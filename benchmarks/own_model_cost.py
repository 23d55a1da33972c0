#!/usr/bin/env python3
"""What each step of adopting and using a model costs at a size: time and memory, random weights.

    python benchmarks/own_model_cost.py [--resolution 1024] [--classes 34] [--device cpu|cuda]
                                        [--only import encoder ...]

Config f's size, ten heads. Each step runs in a process of its own: seconds of the processor, all
threads together (on a GPU: of the clock), without what it takes to begin, and the peak of memory of
the process (on a GPU: of the GPU). `times` says how often `editgan adopt` does it by default, so
that hours follow; embedding and editing are what using the model costs. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from backend.bundles.importing.read import read_here  # noqa: E402
from backend.bundles.networks import load_parser  # noqa: E402
from backend.bundles.registry import find_bundle  # noqa: E402
from backend.editing.inversion import InversionLevel, invert  # noqa: E402
from backend.editing.photo_parts import read_parts  # noqa: E402
from backend.models.pictures import to_picture  # noqa: E402
from backend.models.segmentation.pixel_reader import sample_at  # noqa: E402
from backend.photos.align import CropFrame  # noqa: E402
from backend.training.adopting.estimate import peak  # noqa: E402
from backend.training.encoder import EncoderTrainer  # noqa: E402
from backend.training.heads import train_heads  # noqa: E402
from benchmarks.edit_step import Bench, timed  # noqa: E402

Work = Callable[[], object]
_ROWS = 2048  # pixels that the heads are trained on here: a step reads 64 of them, however many


def importing(resolution: int, classes: int, device: str) -> Work:
    """Reading a pickle as NVIDIA's programs write it."""
    from checkpoint_files import write_nvidia  # type: ignore[import-not-found]
    from stylegan_reference import Generator  # type: ignore[import-not-found]

    from benchmarks.random_model import config_f

    config = config_f(resolution)
    channels = [config.channels(r) for r in config.block_resolutions]
    room = tempfile.TemporaryDirectory()  # until `work` is no more
    path = Path(room.name) / "random.pkl"
    write_nvidia(path, Generator(config.z_dim, config.w_dim, channels, config.mapping_layers))

    return lambda: read_here(Path(room.name) / path.name)


def encoder(resolution: int, classes: int, device: str) -> Work:
    """A training step of the encoder on one sample."""
    n = Bench(resolution, classes, device).networks
    trainer = EncoderTrainer(n.generator, n.encoder, n.perceptual, device=device, at_once=1)  # type: ignore[arg-type]
    return lambda: trainer.step(None, 1)


def label(resolution: int, classes: int, device: str) -> Work:
    """A sample is drawn, and the built-in face parser labels it."""
    bench, faces = Bench(resolution, classes, device), find_bundle("faces")
    parser = load_parser(faces)
    assert parser is not None
    whole = CropFrame.of_whole(resolution, resolution)

    def work() -> None:
        with torch.no_grad():
            picture = to_picture(bench.networks.generator(bench.w_plus)[0])
        read_parts(parser, picture, whole, faces.parts)

    return work


def features(resolution: int, classes: int, device: str) -> Work:
    """The features of a labelled sample's pixels are read."""
    bench = Bench(resolution, classes, device)
    side = bench.networks.segmentation.resolution
    picked = torch.randperm(side * side, device=device)[:1000]

    def work() -> None:
        with torch.no_grad():
            maps = bench.networks.generator(bench.w_plus)[1]
            torch.cat([sample_at(one, picked, side) for one in maps], dim=1).half().cpu()

    return work


def heads(resolution: int, classes: int, device: str) -> Work:
    """Ten steps of training ten heads."""
    inputs = sum(Bench(resolution, classes, "cpu").networks.generator.config.feature_channels)
    rows, labels = torch.randn(_ROWS, inputs).half(), torch.randint(classes, (_ROWS,))
    where = torch.device(device)
    return lambda: train_heads(
        rows, labels, torch.zeros(classes), steps=10, device=where, quiet=True
    )


def embed(resolution: int, classes: int, device: str) -> Work:
    """One step of embedding a photo."""
    bench = Bench(resolution, classes, device)
    mask = torch.ones(1, 1, resolution, resolution, device=device)
    picture = bench.problem.before.clamp(-1, 1)
    return lambda: invert(bench.networks, picture, mask, InversionLevel(1))


def parts(resolution: int, classes: int, device: str) -> Work:
    """A picture and its label map: what applying an edit computes."""
    bench = Bench(resolution, classes, device)

    def work() -> None:
        with torch.no_grad():
            bench.networks.segmentation.labels(bench.networks.generator(bench.w_plus)[1])

    return work


def edit(resolution: int, classes: int, device: str) -> Work:
    """One step of an edit; an adoption takes 4 samples x 60 of them for each of its edits."""
    return Bench(resolution, classes, device).ours()


STEPS = {  # how often `editgan adopt` does it, with its defaults and thirteen recipes
    importing: 1, encoder: 30_000, label: 200, features: 200, heads: 200, edit: 4 * 60 * 13,
    embed: 0, parts: 0,
}  # fmt: skip
NAMES = {step.__name__: step for step in STEPS}


def measured(name: str, args: argparse.Namespace) -> dict[str, float]:
    """In this process."""
    torch.manual_seed(0)
    np.random.seed(0)
    work = NAMES[name](args.resolution, args.classes, args.device)
    clock = time.perf_counter if args.device == "cuda" else time.process_time
    work()  # the first time takes longer
    return {"seconds": timed(work, args.device, clock), "gigabytes": peak(args.device)}


def in_a_process(name: str, args: argparse.Namespace) -> dict[str, float]:
    words = [sys.executable, __file__, "--child", name, "--device", args.device]
    words += ["--resolution", str(args.resolution), "--classes", str(args.classes)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolution", type=int, default=1024)
    parser.add_argument("--classes", type=int, default=34)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", nargs="+", choices=list(NAMES))
    parser.add_argument("--child", choices=list(NAMES), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measured(args.child, args)))
        return
    rows = {}
    print(f"{'step':12}{'seconds':>10}{'memory':>10}{'times':>8}{'hours':>8}")
    for name in args.only or NAMES:
        row = rows[name] = in_a_process(name, args)
        times = STEPS[NAMES[name]]
        hours = f"{row['seconds'] * times / 3600:8.1f}" if times else ""
        print(
            f"{name:12}{row['seconds']:10.2f}{row['gigabytes']:7.2f} GB{times or '':>8}{hours}",
            flush=True,
        )
    print(json.dumps({"resolution": args.resolution, "classes": args.classes, "steps": rows}))


if __name__ == "__main__":
    main()
