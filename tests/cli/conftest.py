"""Commands are run on a small real model, in a data folder of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import forking
import numpy as np
import pytest
import torch
from cli_harness import Outcome, Run, make_bundle
from quick_levels import quick_levels

from backend.batch import local_crew
from backend.bundles.importing import isolated
from backend.cli import main
from backend.editing import inversion
from backend.photos.files import write_photo
from backend.photos.photo import Photo


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundle `tiny`: squares, not faces, 32 pixels, three parts."""
    root = tmp_path_factory.mktemp("bundles")
    make_bundle(root / "tiny")
    return root


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So small a model is slower on several threads, much slower on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # for commands in processes of their own
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos are embedded in few steps: how closely is not what commands are about."""
    for name, level in quick_levels().items():
        monkeypatch.setitem(inversion.LEVELS, name, level)


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that commands start are forked from one that has loaded torch."""
    monkeypatch.setattr(isolated, "subprocess", forking)
    monkeypatch.setattr(local_crew, "multiprocessing", forking)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of embeddings that tests share: most are about what comes after."""
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture
def nothing_embedded(run: Run, home: Path) -> None:
    """This test's cache is its own."""
    (home / "cache").unlink()


@pytest.fixture
def run(home: Path, bundles: Path, embedded: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `editgan` with a data folder of its own that holds the bundle `tiny`."""
    (home / "bundles").symlink_to(bundles)
    (home / "cache").symlink_to(embedded)

    def command(*words: object) -> Outcome:
        capfd.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of nothing in particular, 90 x 70."""
    y, x = np.mgrid[:70, :90]
    waves = [np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 11)]
    pixels = np.stack([(w * 100 + 128).astype(np.uint8) for w in waves], axis=2)
    write_photo(Photo(pixels), tmp_path / "photo.png")
    return tmp_path / "photo.png"
