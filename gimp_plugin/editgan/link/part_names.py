"""Names of the bundled models' parts and of their groups, in the user's language."""

from __future__ import annotations

from link.texts import _

NAMES = {
    "skin": _("skin"),
    "left brow": _("left brow"),
    "right brow": _("right brow"),
    "left eye": _("left eye"),
    "right eye": _("right eye"),
    "nose": _("nose"),
    "upper lip": _("upper lip"),
    "lower lip": _("lower lip"),
    "mouth interior": _("mouth interior"),
    "left ear": _("left ear"),
    "right ear": _("right ear"),
    "hair": _("hair"),
    "neck": _("neck"),
    "clothes": _("clothes"),
    "brows": _("brows"),
    "eyes": _("eyes"),
    "lips": _("lips"),
    "mouth": _("mouth"),
    "ears": _("ears"),
    "head": _("head"),
    "muzzle": _("muzzle"),
    "body": _("body"),
    "background": _("background"),
    "bodywork": _("bodywork"),
    "bonnet": _("bonnet"),
    "roof": _("roof"),
    "door": _("door"),
    "windscreen": _("windscreen"),
    "rear window": _("rear window"),
    "side window": _("side window"),
    "bumper": _("bumper"),
    "grille": _("grille"),
    "headlight": _("headlight"),
    "tail light": _("tail light"),
    "licence plate": _("licence plate"),
    "mirror": _("mirror"),
    "tyre": _("tyre"),
    "wheel hub": _("wheel hub"),
    "wheels": _("wheels"),
    "headlights": _("headlights"),
    "tail lights": _("tail lights"),
    "plate": _("plate"),
    "windows": _("windows"),
    "cabin": _("cabin"),
    "mirrors": _("mirrors"),
}


def part_name(name: str) -> str:
    """The name of a part or a group; one of a user's own model as it is."""
    return NAMES.get(name, name)
