"""Fixtures for tests that run inside GIMP: procedures, images, the real backend outside."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp, Gio

from protocol import paths
from protocol.client import Connection
from protocol.launch import ensure_backend

Call = Callable[..., Gimp.ValueArray]

__all__ = [
    "backend",
    "call",
    "empty_library",
    "kill_backend",
    "last_error",
    "no_images_left",
    "no_last_values",
    "open_image",
    "order",
    "plug_in",
]


@pytest.fixture(scope="session")
def call() -> Call:
    """call(name, image, drawables, **arguments) -> Gimp.ValueArray, [0] being the status.

    Runs a procedure non-interactively (run_mode=... for another way). Underscores in argument
    names become hyphens. image and drawables may be None for procedures that take none.
    """

    def run(
        name: str,
        image: Gimp.Image | None = None,
        drawables: Sequence[Gimp.Drawable] | None = None,
        /,
        run_mode: Gimp.RunMode = Gimp.RunMode.NONINTERACTIVE,
        **arguments: Any,
    ) -> Gimp.ValueArray:
        procedure = Gimp.get_pdb().lookup_procedure(name)
        assert procedure is not None, f"GIMP knows no procedure {name}: the plug-in did not load"
        config = procedure.create_config()
        if config.find_property("run-mode"):
            config.set_property("run-mode", run_mode)
        if image is not None:
            config.set_property("image", image)
        if drawables is not None:
            config.set_core_object_array("drawables", list(drawables))
        for key, value in arguments.items():
            config.set_property(key.replace("_", "-"), value)
        return procedure.run(config)

    return run


@pytest.fixture
def last_error() -> Callable[[], str]:
    """last_error() -> the sentence that the last failed procedure gave."""
    return lambda: Gimp.get_pdb().get_last_error()


@pytest.fixture
def open_image() -> Callable[[Path], Gimp.Image]:
    """open_image(path) -> the file as GIMP opens it."""

    def load(path: Path) -> Gimp.Image:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(path)))
        assert image is not None, f"GIMP cannot open {path}"
        return image

    return load


@pytest.fixture(autouse=True)
def no_last_values() -> Iterator[None]:
    """GIMP fills a dialog with what was answered last, whatever it is called with: forget that."""
    yield
    for answered in (Path(Gimp.directory()) / "plug-in-settings").glob("*.last"):
        answered.unlink()


@pytest.fixture(autouse=True, scope="module")
def empty_library() -> Iterator[None]:
    """Every file of tests ends without edits of its own: another's would be found by a search."""
    yield
    shutil.rmtree(paths.library_dir(), ignore_errors=True)


@pytest.fixture(autouse=True)
def no_images_left() -> Iterator[None]:
    """Every test starts and ends without images."""
    yield
    for image in Gimp.get_images():
        image.delete()


@pytest.fixture(scope="module")
def plug_in() -> Iterator[None]:
    """The plug-in's modules can be imported."""
    folder = str(Path(os.environ["GIMP3_DIRECTORY"], "plug-ins/editgan"))
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)


@pytest.fixture
def backend() -> Iterator[Connection]:
    """A connection to the running backend, the one that the plug-in finds; started if need be."""
    connection = ensure_backend()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def order() -> Callable[[str], None]:
    """order(name): let the process outside GIMP do something with a backend; returns when it has.

    The names: see gimp_harness/lane.py.
    """

    def give(name: str) -> None:
        done = Path(os.environ["EDITGAN_TEST_RUN"], f"{name}.done")
        done.unlink(missing_ok=True)
        with Path(os.environ["EDITGAN_LAUNCHER"]).open("w") as fifo:
            fifo.write(f"{name}\n")
        deadline = time.monotonic() + 120
        while not done.exists():
            assert time.monotonic() < deadline, f"the order “{name}” was not carried out"
            time.sleep(0.02)

    return give


@pytest.fixture
def kill_backend(order: Callable[[str], None]) -> Callable[[], None]:
    """kill_backend(): the backend dies at once, as in a crash; returns when it is gone."""

    def kill() -> None:
        from protocol import connection_file

        order("kill")
        lock = paths.connection_file().with_name(connection_file.LOCK_NAME)
        deadline = time.monotonic() + 10
        while connection_file.is_held(lock):
            assert time.monotonic() < deadline, "the backend was not killed"
            time.sleep(0.02)

    return kill
