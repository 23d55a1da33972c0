"""Sets that are aligned already train as they lie: folders, ZIP archives, tar shards."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from backend.errors import BadImage
from backend.training.dataset import AlignedDataset

Pictures = NDArray[np.uint8]


def png(picture: Pictures) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def write_folder(place: Path, pictures: Pictures) -> None:
    for number, picture in enumerate(pictures):
        path = place / f"{number // 10:05}/{number:05}.png"  # as FFHQ has them
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(picture))


def write_zip(place: Path, pictures: Pictures) -> None:
    with zipfile.ZipFile(place, "w") as archive:
        for number, picture in enumerate(pictures):
            archive.writestr(f"{number:05}.png", png(picture))


def write_shards(place: Path, pictures: Pictures) -> None:
    """As WebDataset has them: what belongs to one sample has one name."""
    place.mkdir()
    for first in range(0, len(pictures), 10):
        with tarfile.open(place / f"train-{first // 10:06}.tar", "w") as shard:
            for number, picture in enumerate(pictures[first : first + 10], first):
                for suffix, content in ((".png", png(picture)), (".json", b"{}")):
                    info = tarfile.TarInfo(f"{number:09}{suffix}")
                    info.size = len(content)
                    shard.addfile(info, io.BytesIO(content))


WRITERS = {"folder": write_folder, "set.zip": write_zip, "shards": write_shards}


@pytest.mark.parametrize("name", WRITERS)
def test_it_gives_the_batches_that_aligned_pictures_give(
    aligned: Path, tmp_path: Path, name: str
) -> None:
    WRITERS[name](tmp_path / name, np.load(aligned / "images.npy"))
    found, wanted = AlignedDataset(tmp_path / name), AlignedDataset(aligned)
    assert len(found) == 24 and len(set(found.names)) == 24 and found.smallest == 32
    pairs = zip(found.batches(8, 32, 0, 0), wanted.batches(8, 32, 0, 0), strict=False)
    for (a, b), _ in zip(pairs, range(4), strict=False):
        assert torch.equal(a, b)
    left = AlignedDataset(tmp_path / name, exclude=frozenset(found.names[:4]))
    assert torch.equal(left.batch([0], 32), wanted.batch([4], 32))


def test_pictures_that_are_not_aligned_are_named(aligned: Path, tmp_path: Path) -> None:
    pictures = np.load(aligned / "images.npy")
    write_folder(tmp_path / "photos", pictures)
    Image.fromarray(pictures[0][:20]).save(tmp_path / "photos/00000/00003.png")
    data = AlignedDataset(tmp_path / "photos")
    with pytest.raises(BadImage, match=r"00000/00003.png has 32 x 20 .* 'editgan train align'"):
        data.batch(np.arange(24), 32)
    Image.fromarray(pictures[0][:20]).save(tmp_path / "photos/00000/00000.png")
    with pytest.raises(BadImage, match="not 20 x 20"):
        AlignedDataset(tmp_path / "photos")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadImage, match="holds no aligned pictures"):
        AlignedDataset(tmp_path / "empty")


_PEAK = """
import resource, sys
from pathlib import Path
from backend.training.dataset import AlignedDataset

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10  # MiB

batches = AlignedDataset(Path(sys.argv[1])).batches(4, 32, 0, 0)
next(batches)
before = peak()
for _ in range(40):
    next(batches)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="units of ru_maxrss")
def test_pictures_do_not_stay_in_memory(tmp_path: Path) -> None:
    """160 pictures of 3 MB each are looked at, and few are there at once."""
    write_shards(tmp_path / "shards", np.zeros((40, 1024, 1024, 3), np.uint8))
    words = [sys.executable, "-c", _PEAK, str(tmp_path / "shards")]
    grown = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert int(grown) < 100
