"""The half of make_screenshots.py that runs inside GIMP: its windows, operated as a user does."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from gi.repository import Gegl, Gimp
from gimp_helpers import (
    APPLY,
    REPAINT,
    SEGMENT,
    bounds,
    idle,
    load,
    offsets,
    part,
    part_group,
    save,
    walk,
)
from gimp_story import run
from gimp_windows import (
    choose,
    click,
    drag,
    finish,
    hold,
    insist,
    move,
    press,
    resize,
    screenshot,
    until,
    wait_for,
    write,
)

from protocol import paths
from protocol.client import Connection

FOLDER = Path(os.environ["EDITGAN_TEST_ANSWER"]).parent
FACE = (400, 300, 30, 0)  # what of the portrait is shown: width, height, left, top
STACK = '[{"edit": "smile", "scale": 1.0}, {"edit": "bigger-eyes", "scale": 0.8}]'
MOUTH = ("mouth", "lip")  # in the names of the parts that are repainted
LARGER = (1.3, 1.7)  # how much, horizontally and vertically
GIMPS_OWN = ".*(GIMP|GNU Image Manipulation Program)"  # the title of its main window
MIDDLE = (-97, 0)  # of the canvas, screen pixels from the middle of that window
ZOOM = 2
WINDOW, NEW_MODEL = "EditGAN: .*", "EditGAN: New Model"
# What is painted on the generator's picture: left, top, width, height; 1 is the whole
PAINTED = {
    "head": (0.17, 0.23, 0.65, 0.63),
    "right eye": (0.305, 0.495, 0.12, 0.115),
    "left eye": (0.595, 0.485, 0.125, 0.125),
    "nose": (0.46, 0.71, 0.09, 0.06),
}


def story() -> dict[str, Any]:
    """Make the pictures that are named in EDITGAN_PICTURES."""
    try:
        arrange()
        photo = segmented()
        for name in os.environ["EDITGAN_PICTURES"].split():
            with (FOLDER / "steps").open("a", encoding="utf-8") as steps:
                print(name, file=steps)
            STEPS[name](photo, FOLDER / f"{name}.png")
    except Exception as error:
        seen = Path(tempfile.gettempdir(), "editgan-screenshots.png")
        screenshot(seen)
        raise RuntimeError(f"{error!r}. {seen} shows the screen as it was.") from error
    return {}


def segmented() -> Path:
    """The portrait with its part layers, as an XCF file."""
    image = load(Path(os.environ["EDITGAN_TEST_IMAGE"]))
    image.crop(*FACE)
    run(SEGMENT, image=image)
    image.get_layers()[0].set_expanded(True)
    path = FOLDER / "portrait.xcf"
    save(image, path)
    image.delete()
    return path


class Shown:
    """An image in GIMP's window, ZOOM times its size, with the layers in sight; then closed."""

    def __init__(self, path: Path) -> None:
        self.image = load(path)
        self._display = Gimp.Display.new(self.image)

    def __enter__(self) -> Gimp.Image:
        Gimp.displays_flush()
        wait_for(GIMPS_OWN)
        press("ctrl+shift+j", str(ZOOM))
        click((580, 300), button=4, times=20)  # scrolls the layers up
        return self.image

    def __exit__(self, error: type[Exception] | None, *_more: object) -> None:
        if error is None:  # else somebody may want to see it
            self._display.delete()


def arrange() -> None:
    """One large window, with room for the layers."""
    wait_for(GIMPS_OWN)
    move(0, 0)
    resize(1438, 876)
    drag((485, 25), (340, 25))  # the dock with the layers wider
    drag((530, 87), (530, -120))  # and higher


def editgan_window(photo: Path, picture: Path) -> None:
    """Over the photo, with a smile on the way."""
    with Shown(photo):
        wait_for(GIMPS_OWN)
        choose("EditGAN...")
        wait_for("EditGAN: .*")
        with Connection.open() as backend:
            until(lambda: rests(backend), "the pictures of the edits")
            press("ctrl+f")
            write("smile")
            press("Return", *["Right"] * 10, "Escape")
            until(lambda: idle(backend), "the canvas")
        screenshot(picture)
        wait_for("EditGAN: .*")
        press("Escape")
        finish("Keep the Changes.", "alt+d")


def rests(backend: Connection) -> bool:
    """Whether it has nothing to do for a while: pictures are asked for one after another."""
    for _ in range(5):
        if not idle(backend):
            return False
        time.sleep(0.2)
    return True


class Film:
    """Screenshots of one animation, each with the time that it is shown, in the file's name."""

    def __init__(self, picture: Path) -> None:
        self._picture, self._number = picture, 0

    def take(self, seconds: float) -> None:
        self._number += 1
        name = f"{self._picture.stem}-{self._number:02}-{round(1000 * seconds)}.png"
        screenshot(self._picture.with_name(name))


def animation(photo: Path, picture: Path) -> None:
    """Twenty seconds: the window opens, two sliders are moved, before and after, Keep."""
    film = Film(picture)
    with Shown(photo) as image, Connection.open() as backend:
        part_group(image).set_visible(False)
        Gimp.displays_flush()
        film.take(1.5)
        wait_for(GIMPS_OWN)
        choose("EditGAN...")
        wait_for(WINDOW)
        until(lambda: rests(backend), "the pictures of the edits")
        film.take(2.5)
        for edit, seconds in (("smile", 0.9), ("bigger eyes", 0.9)):
            wait_for(WINDOW)
            press("ctrl+f", "ctrl+a")
            write(edit)
            film.take(seconds)
            press("Return")
            for _ in range(4):
                press(*["Right"] * 4)
                until(lambda: idle(backend), "the canvas")
                film.take(seconds)
            press("ctrl+f", "Escape")
        film.take(1.5)
        hold("F9", lambda: film.take(2.0))
        film.take(2.0)
        press("alt+k")
        until(lambda: len(image.get_layers()) > 2, "the layer")
        film.take(1.5)
        finish(WINDOW, "Escape")
        film.take(1.5)
    screenshot(picture)


def parts(photo: Path, picture: Path) -> None:
    """The part layers over the photo."""
    with Shown(photo):
        screenshot(picture)


def result(photo: Path, picture: Path) -> None:
    """A larger mouth, and the layer that came of it."""
    with Shown(photo) as image:
        layers = part_group(image).get_children()
        enlarge([one for one in layers if any(word in one.get_name() for word in MOUTH)])
        run(REPAINT, image=image)
        Gimp.displays_flush()
        screenshot(picture)


def enlarge(layers: list[Gimp.Layer]) -> None:
    """Scale all of them around their common middle."""
    corners = [(*offsets(layer), layer.get_width(), layer.get_height()) for layer in layers]
    x = (min(left for left, *_ in corners) + max(c[0] + c[2] for c in corners)) / 2
    y = (min(top for _, top, *_ in corners) + max(c[1] + c[3] for c in corners)) / 2
    for layer, (left, top, width, height) in zip(layers, corners, strict=True):
        layer.transform_scale(
            x + (left - x) * LARGER[0],
            y + (top - y) * LARGER[1],
            x + (left + width - x) * LARGER[0],
            y + (top + height - y) * LARGER[1],
        )


def live(photo: Path, picture: Path) -> None:
    """Both brows are painted higher while the window is open."""
    with Shown(photo) as image:
        press("p", *["braceleft"] * 4)  # the paintbrush, 40 px smaller than it comes
        choose("Live Repaint")
        wait_for("Live Repaint")
        move(20, 300)
        for name in ("left brow", "right brow"):
            layer = part(image, name)
            image.set_selected_layers([layer])
            Gimp.displays_flush()
            wait_for(GIMPS_OWN)
            stroke_along_the_top_of(layer)
        with Connection.open() as backend, suppress(TimeoutError):
            until(lambda: backend.status().running == "LiveRepaint")
            until(lambda: idle(backend))  # or nearly: a slow machine takes long for the last steps
        screenshot(picture)
        finish("Live Repaint", "Escape")


def stroke_along_the_top_of(layer: Gimp.Layer) -> None:
    """With the mouse, where the layer has something."""
    (left, top), (x, y, width, _height) = offsets(layer), bounds(layer)
    start, end = (on_screen(left + x + dx, top + y) for dx in (0, width))
    drag(start, end)


def on_screen(x: float, y: float) -> tuple[int, int]:
    """A pixel of the image, in screen pixels from the middle of GIMP's window."""
    return (
        round(MIDDLE[0] + (x - FACE[0] / 2) * ZOOM),
        round(MIDDLE[1] + (y - FACE[1] / 2) * ZOOM),
    )


def library(photo: Path, picture: Path) -> None:
    """Over the photo, with its thumbnails and a stack of two."""
    with Shown(photo) as image:
        run(APPLY, image=image, edits=STACK)
        Gimp.displays_flush()
        window("Edit Library", "Edit Library", picture)


def segment(photo: Path, picture: Path) -> None:
    with Shown(photo):
        window("Segment Parts", "Segment Parts", picture)


def borrow(photo: Path, picture: Path) -> None:
    other = renamed(load(photo), "portrait-smiling.xcf")
    with Shown(photo):
        window("Borrow from Another Photo", "Borrow from Another Photo", picture)
    other.delete()


def best_take(photo: Path, picture: Path) -> None:
    """Two frames: in the other one the smile is broader."""
    other = load(photo)
    run(APPLY, image=other, edit="smile", scale=0.75)
    other.flatten()
    other = renamed(other, "frame-2.xcf")
    with Shown(photo):
        window("Best Take", "Best Take", picture)
    other.delete()


def renamed(image: Gimp.Image, name: str) -> Gimp.Image:
    """The image, opened from a file of that name."""
    save(image, FOLDER / name)
    image.delete()
    return load(FOLDER / name)


def new_model(_photo: Path, picture: Path) -> None:
    """A generator's own picture, on which the first parts are painted."""
    before = Gimp.get_images()
    wait_for(GIMPS_OWN)
    choose("New Model")
    wait_for(NEW_MODEL)
    move(1000, 30)
    card = paths.labels_dir() / "my-cats/card.json"
    insist(card.is_file, "alt+u")
    insist(lambda: len(Gimp.get_images()) > len(before), "alt+2", "alt+n")
    (image,) = [one for one in Gimp.get_images() if one not in before]
    wait_for(r".*\[Untitled\].*GIMP")  # all of it is there
    parts, side = json.loads(card.read_text(encoding="utf-8"))["parts"], image.get_width()
    colors = {part["name"]: "#{:02x}{:02x}{:02x}".format(*part["color"]) for part in parts}
    for name, place in PAINTED.items():
        image.select_ellipse(Gimp.ChannelOps.REPLACE, *(side * value for value in place))
        layer = next(one for one in walk(image.get_layers()) if one.get_name() == name)
        Gimp.context_set_foreground(Gegl.Color.new(colors[name]))
        layer.edit_fill(Gimp.FillType.FOREGROUND)
    Gimp.Selection.none(image)
    Gimp.displays_flush()
    screenshot(picture)
    finish(NEW_MODEL, "Escape")


def status(_photo: Path, picture: Path) -> None:
    window("Backend Status and Settings", "EditGAN Backend", picture, "alt+u")


def models(_photo: Path, picture: Path) -> None:
    window("Backend Status and Settings", "EditGAN Backend", picture, "alt+m")


def settings(_photo: Path, picture: Path) -> None:
    window("Backend Status and Settings", "EditGAN Backend", picture, "alt+e")


def window(command: str, title: str, picture: Path, *keys: str) -> None:
    """The window that a command opens, once all is in it; nothing is done in it."""
    wait_for(GIMPS_OWN)
    choose(command)
    wait_for(title)
    press(*keys)
    with Connection.open() as backend:
        until(lambda: rests(backend), "the pictures of the edits")
    screenshot(picture, title)
    finish(title, "Escape")


STEPS = {
    "window": editgan_window,
    "animation": animation,
    "parts": parts,
    "result": result,
    "segment": segment,
    "live": live,
    "edit-library": library,
    "borrow": borrow,
    "best-take": best_take,
    "new-model": new_model,
    "status": status,
    "models": models,
    "settings": settings,
}
