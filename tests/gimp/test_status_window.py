"""The window of Backend Status and Settings, operated with the keyboard."""

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
import pytest
from download_server import send, served
from gi.repository import Gimp, GLib, Gtk
from gimp_helpers import PORTRAIT, SEGMENT, STATUS, failed, load, names, succeeded
from gimp_windows import (
    finish,
    insist,
    is_open,
    press,
    screenshot,
    until,
    user,
    wait_for,
    write,
)

from gimp_harness import LEVEL
from protocol import paths, settings
from protocol.client import Connection

Call = Callable[..., Gimp.ValueArray]
FACES = Path("backend/bundles/builtin/faces")
ASK = Gimp.RunMode.INTERACTIVE
TITLE, TERMS = "EditGAN Backend", "Terms of the Model"
USUAL = settings.Settings(level=LEVEL)
NOBODY = settings.Remote("127.0.0.1:5570", "0123456789abcdef" * 4)
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    """Each test starts and ends with the usual ones."""
    yield
    settings.save(USUAL)


def picture(name: str) -> None:
    if PICTURES:
        screenshot(Path(PICTURES) / f"status-{name}.png")


def nothing_runs() -> bool:
    with Connection.open() as connection:
        return connection.status().running is None


def in_the_window(call: Call, act: Callable[[], None]) -> dict:
    """Somebody does `act` in the window, which is closed in the end; returns the report."""

    def whole() -> None:
        wait_for(TITLE)
        act()
        finish(TITLE, "alt+c")

    with user(whole):
        report = succeeded(call(STATUS, run_mode=ASK))
    assert not is_open(TITLE)
    return report


def test_it_shows_what_runs(call: Call) -> None:
    succeeded(call(STATUS))  # a backend runs

    def look() -> None:
        for page, key in (("status", "alt+u"), ("models", "alt+m"), ("log", "alt+g")):
            press(key)
            picture(page)

    report = in_the_window(call, look)
    assert "faces" in [bundle["name"] for bundle in report["bundles"]]


def test_settings_are_kept(call: Call) -> None:
    def change() -> None:
        press("alt+e", "alt+i", "ctrl+a")
        write("40")
        press("Tab", "alt+f", "Down")  # the next level after Fast
        insist(lambda: settings.load().level == "balanced", "alt+v")
        picture("settings")

    in_the_window(call, change)
    assert settings.load() == settings.Settings(idle_minutes=40, level="balanced")


def test_what_cannot_be_is_told_and_not_saved(call: Call) -> None:
    def mistype() -> None:
        press("alt+e", "alt+a", "alt+d")
        write("workstation")
        press("alt+v")
        picture("bad-address")
        press("alt+c")
        finish(r"Save Settings\?", "alt+d")

    def whole() -> None:
        wait_for(TITLE)
        mistype()

    with user(whole):
        succeeded(call(STATUS, run_mode=ASK))
    assert settings.load() == USUAL


def test_a_remote_backend_that_is_gone(call: Call) -> None:
    settings.save(settings.Settings(remote=NOBODY, use_remote=True))
    image = load(PORTRAIT)
    before = names(image)
    sentence = failed(call(SEGMENT, image, image.get_layers()))
    assert "127.0.0.1:5570 does not answer" in sentence
    assert names(image) == before

    def back_to_this_computer() -> None:
        picture("remote-gone")
        press("alt+e", "alt+t", "alt+v")

    in_the_window(call, back_to_this_computer)
    assert settings.load() == settings.Settings(remote=NOBODY)
    assert "faces" in [bundle["name"] for bundle in succeeded(call(STATUS))["bundles"]]


@pytest.fixture
def raw_bundle() -> Iterator[str]:
    """A model with a generator only, as `editgan import` leaves it."""
    folder = paths.bundles_dir() / "raw"
    folder.mkdir(parents=True)
    description = json.loads((FACES / "bundle.json").read_text())
    weights = "generator.safetensors"
    files = {weights: description["files"][weights]}
    description |= {"name": "raw", "title": "Raw", "parts": [], "groups": {}, "large_parts": []}
    (folder / "bundle.json").write_text(json.dumps(description | {"files": files}))
    (folder / weights).symlink_to(FACES.absolute() / weights)
    yield "raw"
    shutil.rmtree(folder)


def test_a_model_that_opens_no_photos_yet(call: Call, raw_bundle: str) -> None:
    image = load(PORTRAIT)
    sentence = failed(call(SEGMENT, image, image.get_layers(), bundle=raw_bundle))
    assert "not yet an encoder and parts" in sentence

    def look() -> None:
        press("alt+m")
        picture("raw-model")

    report = in_the_window(call, look)
    missing = {bundle["name"]: bundle["missing"] for bundle in report["bundles"]}
    assert missing["raw"] == ["encoder", "segmentation"] and missing["faces"] == []


def test_a_model_is_fetched_stopped_and_fetched_on(
    call: Call, order: Callable[[str], None]
) -> None:
    order("checkpoint")
    content = Path(os.environ["EDITGAN_TEST_RUN"], "net.pkl").read_bytes()
    half, stopped = len(content) // 2, threading.Event()

    def slowly(request: BaseHTTPRequestHandler, start: int) -> None:
        """Half of it at once, then a byte now and then."""
        send(request, content[:half], start, whole=len(content))
        with contextlib.suppress(OSError):  # the other end has gone
            for at in range(half, len(content) - 1):
                if stopped.wait(0.3):
                    return
                request.wfile.write(content[at : at + 1])

    def whole(request: BaseHTTPRequestHandler, start: int) -> None:
        send(request, content[start:], start)

    table, bundle = paths.data_dir() / "models.toml", paths.bundles_dir() / "net"
    partial = paths.data_dir() / "downloads/net.pkl.partial"
    with served(slowly, whole) as (url, asked):
        about = 'domain = "blots"\nlicense = "CC0"\nterms = "https://example.org/t"'
        table.write_text(f'[net]\ntitle = "Net"\nurl = "{url}"\n{about}\n')

        def accept() -> None:
            """The last one of the list."""
            insist(lambda: picture("models") or is_open(TERMS), "alt+m", "alt+l", "End", "alt+w")
            wait_for(TERMS)
            picture("terms")
            press("alt+a")
            wait_for(TITLE)

        def get() -> None:
            accept()
            until(partial.is_file, "the first half")
            picture("downloading")
            insist(lambda: not is_open(TERMS) and nothing_runs(), "alt+p")
            stopped.set()
            assert not bundle.exists()
            accept()
            until(bundle.is_dir, "the model")
            picture("downloaded")

        report = in_the_window(call, get)
    assert asked[0] == 0 and half <= asked[-1] < len(content)
    assert "net" in [one["name"] for one in report["bundles"]]
    shutil.rmtree(bundle)
    table.unlink()


def test_a_backend_that_ends_is_not_said_to_be_ready(
    plug_in: None, backend: Connection, kill_backend: Callable[[], None]
) -> None:
    """Killed while the window is open: its state is said, and nothing is asked of it."""
    from windows.status_dialog import BackendWindow

    window = BackendWindow()
    shown = []

    def look() -> bool:
        if window._busy:
            return GLib.SOURCE_CONTINUE
        if window._state is not None and not shown:
            shown.append(window._state)
            kill_backend()
        elif shown and window._state is None:
            shown.append(window._news.get_text())
            window._dialog.response(Gtk.ResponseType.CLOSE)
            return GLib.SOURCE_REMOVE
        return GLib.SOURCE_CONTINUE

    GLib.timeout_add(200, look)
    assert window.run() is None
    assert "has ended" in shown[1]
