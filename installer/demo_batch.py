"""The demonstration, inside GIMP: a photographer's work, done by the plug-in's procedures.

Runs on GIMP's own Python with nothing but GIMP's modules. `main` is called by gimp_batch.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp, Gio

Say = Callable[[str], None]
Report = dict[str, Any]


def main(settings: Report, say: Say) -> Report:
    """Do the main job on settings["photo"] and write into settings["folder"]; returns a report.

    settings: photo, folder (paths); parts, growth: which parts are painted larger, and by how many
    pixels on each side; save_as: the learnt edit's name; preset, scale: the library's edit that is
    applied after it.
    """
    folder = settings["folder"]
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(settings["photo"]))
    photo = image.get_layers()[0]
    before = _pixels(image)
    _save(image, f"{folder}/before.png")

    segment = _call("segment", image, photo)
    say(f"Segment Parts: {', '.join(segment['parts'])} ({segment['seconds_in_gimp']:.1f} s)")
    parts = " and ".join(settings["parts"])
    for part in settings["parts"]:
        _paint_larger(image, part, settings["growth"])
    say(f"painted {parts} larger by {settings['growth']} px on each side")
    repaint = _call("repaint", image, photo, name=f"larger {parts}")
    say(f"Apply Repaint: a new layer, {repaint['layer']} ({repaint['seconds_in_gimp']:.1f} s)")
    saved = _call("save-edit", image, photo, name=settings["save_as"], description="From the demo")
    say(f"saved to the library as {saved['saved_as']}")
    apply = _call("apply", image, photo, edit=settings["preset"], scale=settings["scale"])
    say(f"Edit Library: {apply['layer']} ({apply['seconds_in_gimp']:.1f} s)")

    _save(image, f"{folder}/after.png")
    changes = _changes(image, before, [repaint["layer"], apply["layer"]])
    _parts_of(image).set_visible(True)
    _save(image, f"{folder}/portrait.xcf")
    report = {
        "gimp": Gimp.version(),
        "image": [image.get_width(), image.get_height()],
        "segment": segment,
        "repaint": repaint,
        "save_edit": saved,
        "apply": apply,
        **changes,
    }
    image.delete()
    return report


def _call(name: str, image: Gimp.Image, layer: Gimp.Layer, /, **arguments: object) -> Report:
    """Run one of the plug-in's procedures; its report, with the time that it took."""
    procedure = Gimp.get_pdb().lookup_procedure(f"plug-in-editgan-{name}")
    if procedure is None:
        raise RuntimeError("GIMP did not load the plug-in: run install.py again.")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", [layer])
    for key, value in arguments.items():
        config.set_property(key, value)
    start = time.monotonic()
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(f"{name}: {Gimp.get_pdb().get_last_error()}")
    return {**json.loads(result.index(1)), "seconds_in_gimp": time.monotonic() - start}


def _parts_of(image: Gimp.Image) -> Gimp.GroupLayer:
    return next(layer for layer in image.get_layers() if layer.is_group())


def _paint_larger(image: Gimp.Image, part: str, pixels: int) -> None:
    """Grow a part on its layer, as with Alpha to Selection, Select > Grow and Fill."""
    layer = next(layer for layer in _parts_of(image).get_children() if layer.get_name() == part)
    image.select_item(Gimp.ChannelOps.REPLACE, layer)
    if Gimp.Selection.is_empty(image):
        raise RuntimeError(f"The part {part} was not found in the photo.")
    width, height = layer.get_width(), layer.get_height()
    layer.resize(width + 2 * pixels, height + 2 * pixels, pixels, pixels)
    Gimp.Selection.grow(image, pixels)
    colour = layer.get_pixel(pixels + width // 2, pixels + height // 2)
    red, green, blue, _ = colour.get_rgba()
    colour.set_rgba(red, green, blue, 1.0)
    Gimp.context_set_foreground(colour)
    layer.edit_fill(Gimp.FillType.FOREGROUND)
    Gimp.Selection.none(image)


def _pixels(image: Gimp.Image) -> bytes:
    """The merged projection, R'G'B' 8 bit."""
    copy = image.duplicate()
    layer = copy.flatten()
    area = Gegl.Rectangle.new(0, 0, copy.get_width(), copy.get_height())
    data = layer.get_buffer().get(area, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
    copy.delete()
    return bytes(data)


def _changes(image: Gimp.Image, before: bytes, names: list[str]) -> Report:
    """The largest change of the merged projection inside and outside the result layers' regions."""
    width, height = image.get_width(), image.get_height()
    inside = bytearray(width * height)
    area = Gegl.Rectangle.new(0, 0, width, height)
    for layer in image.get_layers():
        if layer.get_name() not in names:
            continue
        _, x, y = layer.get_offsets()
        shifted = Gegl.Rectangle.new(-x, -y, area.width, area.height)
        alpha = layer.get_buffer().get(shifted, 1.0, "A u8", Gegl.AbyssPolicy.NONE)
        inside = bytearray(a or b for a, b in zip(inside, alpha, strict=True))
    after = _pixels(image)
    channels = zip(before, after, strict=True)
    largest = [0, 0]
    for index, (old, new) in enumerate(channels):
        if old != new:
            where = inside[index // 3] > 0
            largest[where] = max(largest[where], abs(old - new))
    return {
        "largest_change_outside": largest[0],
        "largest_change_inside": largest[1],
        "region_share": sum(1 for value in inside if value) / len(inside),
    }


def _save(image: Gimp.Image, path: str) -> None:
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None):
        raise RuntimeError(f"GIMP cannot write {path}.")
