"""Two processes train what one trains: the same losses, and a run goes on by either number."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import forking
import pytest
import torch
from cli_harness import make_bundle
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from backend.bundles import find_bundle
from backend.bundles.bundle import read_bundle
from backend.cli import main
from backend.errors import BadSetting
from backend.training.dataset import AlignedDataset
from backend.training.team import ALONE, Team

Launch = Callable[[int, Sequence[object]], None]
PERCEPTUAL = find_bundle("faces").path("perceptual")


def launched(processes: int, words: Sequence[object]) -> None:
    """Run `editgan` with so many processes, which torch's own launcher starts."""
    if processes == 1:
        assert main([*map(str, words)]) == 0
        return
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    # "--": the launcher would take --run for an option of its own
    command = [sys.executable, *launcher, "-m", "--", "backend.cli", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture
def forked() -> Iterator[Launch]:
    """`launched`, by the same launcher called as a library: its processes are forked from one that
    has loaded torch, which would be loaded by each otherwise."""
    forking.preload()
    heard = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def launch(processes: int, words: Sequence[object]) -> None:
        if processes == 1:
            return launched(1, words)
        config = LaunchConfig(
            1, 1, processes, run_id=uuid.uuid4().hex, rdzv_backend="c10d",
            rdzv_endpoint="localhost:0", start_method="forkserver", monitor_interval=0.1,
        )  # fmt: skip
        ends = elastic_launch(config, main)([*map(str, words)])
        assert ends == dict.fromkeys(range(processes), 0)
        return None

    yield launch
    for number, handler in heard.items():
        signal.signal(number, handler)


def train(launch: Launch, processes: int, aligned: Path, run: Path, until: int) -> dict[str, Any]:
    """The state of a run."""
    words = ["train", "generator", "--images", aligned, "-o", run, "--perceptual", PERCEPTUAL]
    words += ["--until", until, "--save-every", 8, "--batch", 4, "--discriminator-from", 4]
    words += ["--adversarial-from", 8, "--shared-from", 100, "--resolution", 32, "--z-dim", 16]
    words += ["--channel-base", 512, "--channel-max", 32, "--w-dim", 16, "--quiet"]
    launch(processes, words)
    state: dict[str, Any] = torch.load(run / "state.pt", weights_only=True)
    return state


def distance(one: dict[str, Any], other: dict[str, Any]) -> float:
    """How far the averaged networks lie apart, as a share of how large they are."""
    pairs = [(one["averages"][key], other["averages"][key]) for key in one["averages"]]
    apart = sum(float((a - b).square().sum()) for a, b in pairs)
    return (apart / sum(float(b.square().sum()) for _, b in pairs)) ** 0.5


def test_two_processes_train_what_one_trains(aligned: Path, tmp_path: Path, forked: Launch) -> None:
    """Up to the chance in noise and augmentation; a run of two goes on by one, and the other way
    round, with the batches that come next."""
    one = train(forked, 1, aligned, tmp_path / "one", 16)
    two = train(forked, 2, aligned, tmp_path / "two", 16)
    start = train(forked, 1, aligned, tmp_path / "start", 4)
    assert one["seen"] == two["seen"] == 16
    moved = distance(start, one)
    assert distance(two, one) < 0.5 * moved
    assert len(two["codes"]) == len(one["codes"])
    # half the way by two, the rest by one or by two
    half = tmp_path / "half"
    train(forked, 2, aligned, half, 8)
    shutil.copytree(half, tmp_path / "changed")
    changed = train(forked, 1, aligned, tmp_path / "changed", 16)
    assert changed["seen"] == 16 and distance(changed, one) < 0.5 * moved
    assert distance(train(forked, 2, aligned, half, 16), two) == 0


def test_an_encoder_learns_by_two_processes(aligned: Path, tmp_path: Path) -> None:
    make_bundle(tmp_path / "tiny")
    before = read_bundle(tmp_path / "tiny").files["encoder.safetensors"]
    words = ["train", "encoder", "--bundle", tmp_path / "tiny", "--images", aligned]
    words += ["--run", tmp_path / "run", "--until", 8, "--batch", 4, "--samples", 2, "--quiet"]
    launched(2, words)
    state = torch.load(tmp_path / "run/encoder.pt", weights_only=True)
    assert state["seen"] == 8
    bundle = read_bundle(tmp_path / "tiny")
    assert bundle.files["encoder.safetensors"] != before and bundle.verify() == []


def test_shares_of_a_batch_make_the_batch(aligned: Path) -> None:
    data = AlignedDataset(aligned)
    whole = next(data.batches(6, 32, 0, 0))
    shares = [next(data.batches(6, 32, 0, 0, Team(rank, 3))) for rank in range(3)]
    assert torch.equal(torch.stack(shares, dim=1).flatten(0, 1), whole)


def test_batches_that_cannot_be_shared_are_refused() -> None:
    with pytest.raises(BadSetting, match="cannot be shared equally by 3 processes"):
        Team(0, 3).check(8)
    ALONE.check(7)
