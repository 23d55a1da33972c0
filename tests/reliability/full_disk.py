"""Every write of the product onto a disk of a given size that is nearly full.

Run as a program in a mount namespace of its own: `full_disk.py DISK`, an empty tmpfs. Between the
rounds more and more room is left. Each write succeeds, or fails with one sentence; what was there
before is there afterwards, and nothing else is left behind. Prints how many succeeded and failed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from backend.batch.manifest import opened, stamp_of
from backend.batch.tasks import Outcome
from backend.errors import BadImage
from backend.photos.files import read_photo, write_photo
from backend.photos.photo import Photo
from backend.session.embedding_cache import EmbeddingCache
from edit_library import Library
from protocol import paths, settings
from protocol.errors import UserError
from protocol.facts import PhotoReport

ROOMS_KB = (0, 4, 8, 16, 32, 64, 128, 4096)
VECTOR = np.linspace(-1, 1, 4096, dtype=np.float32).reshape(16, 256)
SHA = "5" * 64
RNG = np.random.default_rng(1)


def photo() -> Photo:
    """Of noise, which no format makes small: 27 kB."""
    return Photo(RNG.integers(0, 256, (96, 96, 3)).astype(np.uint8))


class Disk:
    """A small file system with a data folder and a user's pictures."""

    def __init__(self, root: Path) -> None:
        self.pictures, self._filler = root / "pictures", root / "filler"
        os.environ["EDITGAN_HOME"] = str(root / "home")
        paths.private(paths.data_dir())
        self.pictures.mkdir()
        self.library = Library(paths.library_dir())
        self.cache = EmbeddingCache(paths.cache_dir())
        self.old = photo()
        for suffix in SUFFIXES:
            write_photo(self.old, self.pictures / f"old{suffix}")
        self.library.save("small", "old", VECTOR, generator_sha=SHA, parts=["hair"])
        _, self.archive = self.library.export_data("small", "old")
        settings.save(settings.Settings(idle_minutes=7))
        with opened(self.pictures / "out"):
            self.number = 0

    def fill(self, room_kb: int) -> None:
        """Leave so much room and no more."""
        self._filler.unlink(missing_ok=True)
        found = os.statvfs(self._filler.parent)
        size = found.f_bavail * found.f_frsize - (room_kb << 10)
        with open(self._filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, size))

    def writes(self) -> Iterator[tuple[str, Callable[[], object]]]:
        self.number += 1
        name = f"new-{self.number}"
        new = photo()
        for suffix in SUFFIXES:
            target = self.pictures / f"old{suffix}"
            yield f"photo {suffix}", lambda target=target: write_photo(new, target)
        one = {"generator_sha": SHA, "parts": ["hair"]}
        yield "edit", lambda: self.library.save("small", name, VECTOR, **one)
        yield (
            "import",
            lambda: self.library.import_data(self.archive, "old.editgan", name=f"{name}-too"),
        )
        yield "rename", lambda: self.library.rename("small", "old", "old-2")
        yield "rename back", lambda: self.library.rename("small", "old-2", "old")
        yield "export", lambda: self.library.export("small", "old", self.pictures / "old.editgan")
        yield "settings", lambda: settings.save(settings.Settings(idle_minutes=8))
        yield "batch", lambda: self._begin(f"batch-{name}")
        yield "result of a batch", lambda: self._commit(f"{name}.png")
        yield "embedding", lambda: self.cache.put(name, VECTOR, REPORT)

    def _begin(self, name: str) -> None:
        with opened(self.pictures / name):
            pass

    def _commit(self, name: str) -> None:
        """A result of a batch, and the line that says so."""
        source, data = self.pictures / "old.png", RNG.bytes(9000)
        outcome = Outcome(1, "edited", sha="5", data=data, result_sha=sha256(data).hexdigest())
        with opened(self.pictures / "out") as manifest:
            try:
                manifest.commit(outcome, name, source, stamp_of(source), SHA)
            except OSError as error:  # the batch names the photo, and tries it again
                raise BadImage(f"{name} cannot be written: {error.strerror}.") from error

    def check(self) -> None:
        """What was there is there, whole, and nothing half done."""
        for suffix in SUFFIXES:
            found = read_photo(self.pictures / f"old{suffix}")
            assert found.pixels.shape == self.old.pixels.shape
        assert settings.load().idle_minutes in (7, 8)
        assert self.library.broken() == [], self.library.broken()
        names = {info.name for info in self.library.list("small")}
        assert names & {"old", "old-2"}
        for info in self.library.list("small"):
            assert np.array_equal(self.library.get("small", info.name).vector, VECTOR)
        with opened(self.pictures / "out") as manifest:
            for file in (self.pictures / "out").glob("*.png"):  # none of them is a stranger's
                state = manifest.state(file.name, self.pictures / "old.png", SHA)
                assert state in ("new", "done"), (file, state)
        left = [p for p in self._filler.parent.rglob("*") if ".new" in p.name or p.suffix == ".tmp"]
        assert left == [], left


SUFFIXES = (".png", ".tif", ".jpg", ".webp", ".avif")
REPORT = PhotoReport(
    perceptual=None, perceptual_network="none", mse=0.0, identity=None, identity_network=None,
    quality="well", verdict="", level="fast", seconds=0.0, ended_early=False,
)  # fmt: skip


def main() -> None:
    disk = Disk(Path(sys.argv[1]))
    done: dict[str, int] = {}
    failed: dict[str, int] = {}
    for room in ROOMS_KB:
        for name, write in disk.writes():
            disk.fill(room)
            try:
                write()
                done[name] = done.get(name, 0) + 1
            except UserError as error:
                assert error.message.endswith((".", "?")) and "\n" not in error.message, error
                failed[name] = failed.get(name, 0) + 1
            disk.check()
    print(json.dumps({"done": done, "failed": failed}))


if __name__ == "__main__":
    main()
