"""Parts and edits of EditGAN's own release, added to the bundle that its generator became."""

from __future__ import annotations

import colorsys
from dataclasses import replace
from pathlib import Path

from backend.bundles.bundle import Bundle, Part, write_bundle_json
from backend.bundles.card import read_card
from backend.bundles.importing.release import Release, changed_parts
from backend.bundles.networks import load_generator, save_network
from backend.errors import BadBundle
from backend.session.edits import save_edit
from edit_library.library import Library
from edit_library.names import slugify
from protocol.paths import library_dir

_LOW, _HIGH = -0.5, 2.0  # scales that released vectors are offered with


def add_release(release: Release, bundle: Bundle, card: Path | None) -> list[str]:
    """Write the segmentation branch and the card's parts into the bundle, and its editing vectors
    into the user's library; returns their names. Raises BadBundle, EditLibraryError."""
    branch = release.branch
    if branch is None:
        return []
    described = with_card(bundle, card, branch.classes)
    save_network(branch, bundle.path("segmentation"), half=False)
    written = write_bundle_json(described)
    generator, library = load_generator(written), Library(library_dir())
    saved = []
    for name, vector in release.vectors.items():
        parts = tuple(written.parts[i].name for i in changed_parts(generator, branch, vector))
        info = save_edit(
            library, written, slugify(name), vector, parts=parts, low=_LOW, high=_HIGH,
            title=name.replace("_", " "), overwrite=True,
        )  # fmt: skip
        saved.append(info.name)
    return saved


def with_card(bundle: Bundle, card: Path | None, classes: int) -> Bundle:
    """The bundle with a card's parts, or with numbered ones; raises BadBundle for another number
    of parts than the classifiers have."""
    if card is None:
        parts = tuple(Part(_name(i), i, _color(i, classes)) for i in range(classes))
        return replace(bundle, parts=parts, groups={}, large=(parts[0].name,))
    found = read_card(card)
    if len(found.parts) != classes:
        raise BadBundle(
            f"{card} names {len(found.parts)} parts; the release's classifiers know {classes}."
        )
    return replace(bundle, parts=found.parts, groups=found.groups, large=found.large)


def _name(index: int) -> str:
    return f"part {index}" if index else "background"


def _color(index: int, count: int) -> tuple[int, int, int]:
    """Colours that neighbouring numbers do not share."""
    hue = index * 0.618034 % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.65 if index else 0.0, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue)
