"""The label set of one model that is painted in GIMP: a folder `labels/NAME` of the data folder.

It is what `editgan label` makes: pictures with their maps, `card.json`, `codes.safetensors`.
Nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.bundles.bundle import Bundle, Part
from backend.bundles.card import read_card, with_parts_of, write_card
from backend.errors import BadImage, BadSetting
from backend.photos.align import within_aspect
from backend.photos.corrections import corrections_of
from backend.photos.cv import resize
from backend.photos.folder import read_rgb
from backend.photos.label_edit import PaintedLayer
from backend.photos.parts import PartMask
from backend.training.labelled import UNLABELLED, label_path, read_label_map
from backend.training.labelling.files import CODES, write_classes, write_label_map
from backend.training.labelling.templates import templates
from protocol.paths import labels_dir, private

Labels = NDArray[np.uint8]

_CARD = "card.json"
_SMALLEST = 512  # pixels of a picture's side: smaller ones are enlarged to be painted on


@dataclass(frozen=True)
class OwnLabels:
    """A model's label set; `bundle` has the parts that are labelled, none where they have no names
    yet."""

    bundle: Bundle
    folder: Path

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.bundle.parts

    def labelled(self) -> list[str]:
        """The pictures on which something is painted."""
        return [name for name in self._names() if (self.map(name) != UNLABELLED).any()]

    def waiting(self) -> list[str]:
        """Those on which nothing is painted yet."""
        return [name for name in self._names() if (self.map(name) == UNLABELLED).all()]

    def map(self, name: str) -> Labels:
        """uint8 [R, R]; raises BadImage."""
        return read_label_map(label_path(self.folder, name), len(self.parts))

    def check(self, name: str) -> str:
        """The name, if it is one of the pictures'; raises BadImage."""
        if name not in self._names():
            raise BadImage(f"The label set of '{self.bundle.name}' has no picture '{name}'.")
        return name

    def save(self, name: str, layers: Sequence[PaintedLayer], size: tuple[int, int]) -> None:
        """Keep what is painted on a picture that was shown at a size (width, height).

        Raises BadImage, UnknownPart.
        """
        said = corrections_of(layers, self.parts, size[::-1]).labels
        shown = _shown(self.bundle)
        labels = np.full(shown.shape, UNLABELLED, np.uint8)
        rows, columns = int(shown.any(axis=1).sum()), int(shown.any(axis=0).sum())
        labels[shown] = reduced(said, (columns, rows), len(self.parts)).ravel()
        write_label_map(self.folder, self.check(name), labels, self.parts)

    def add(self, name: str, picture: NDArray[np.uint8], labels: Labels) -> None:
        """A picture uint8 [R, R, 3] with its map uint8 [R, R]; its code is kept by the caller."""
        write_classes(self.folder, self.parts)
        Image.fromarray(picture).save(self.folder / f"{name}.png")
        write_label_map(self.folder, name, labels, self.parts)

    def to_paint(self, name: str, seen: Labels | None) -> tuple[NDArray[np.uint8], list[PartMask]]:
        """A picture, enlarged and without bars, uint8 [h, w, 3], and its parts in it: as they are
        labelled, or else as the model sees them (seen: uint8 [L, L])."""
        picture, labels = read_rgb(self.folder / f"{self.check(name)}.png"), self.map(name)
        if (labels == UNLABELLED).all() and seen is not None:
            labels = seen
        side = len(picture)
        large = side * max(1, -(-_SMALLEST // side))
        shown = within_aspect(large, self.bundle.aspect)
        rows, columns = shown.any(axis=1), shown.any(axis=0)
        enlarged = resize(picture, (large, large), cv2.INTER_CUBIC)[rows][:, columns]
        masks = []
        for part in self.parts:
            share = (labels == part.index).astype(np.float32)
            soft = resize(share, (large, large), cv2.INTER_LINEAR)[rows][:, columns]
            alpha = np.where(soft >= 0.5, 255, 0).astype(np.uint8)
            if alpha.any():
                masks.append(PartMask(part.name, part.index, part.color, 0, 0, alpha))
        return np.ascontiguousarray(enlarged), masks

    def _names(self) -> list[str]:
        maps = sorted(self.folder.glob("*_parts.png"))
        return [path.stem.removesuffix("_parts") for path in maps]


def own_labels(bundle: Bundle) -> OwnLabels:
    """The label set of a model, which may not have begun yet. Raises BadBundle."""
    folder = labels_dir() / bundle.name
    if (folder / _CARD).is_file():
        bundle = with_parts_of(bundle, read_card(folder / _CARD))
    return OwnLabels(bundle, folder)


def name_parts(bundle: Bundle, parts: Sequence[Part]) -> OwnLabels:
    """Begin a label set with these parts, or name them anew while nothing is painted.

    Raises BadSetting where pictures are painted with others.
    """
    before = own_labels(bundle)
    if (before.folder / _CARD).is_file() and before.parts != tuple(parts):
        if painted := before.labelled():
            raise BadSetting(
                f"{len(painted)} pictures are painted with other parts: go on with those, or move "
                f"{before.folder} away."
            )
        _clear(before)
    private(labels_dir())
    private(before.folder)
    described = dataclasses.replace(
        bundle, parts=tuple(parts), groups=_groups(parts), large=_large(parts)
    )
    write_card(described, before.folder / _CARD)
    write_classes(before.folder, parts)
    return OwnLabels(described, before.folder)


def _clear(labels: OwnLabels) -> None:
    """Take away the pictures that nobody has painted on, with their codes."""
    for name in labels.waiting():
        (labels.folder / f"{name}.png").unlink(missing_ok=True)
        label_path(labels.folder, name).unlink()
    (labels.folder / CODES).unlink(missing_ok=True)


def _groups(parts: Sequence[Part]) -> dict[str, tuple[str, ...]]:
    """The part groups of the template that these parts are of, as far as all members are there;
    without one, left and right parts of one thing together."""
    names = [part.name for part in parts]
    for card in templates().values():
        if {part.name for part in card.parts} >= set(names):
            return {k: v for k, v in card.groups.items() if set(v) <= set(names)}
    things: dict[str, tuple[str, ...]] = {}
    for name in names[1:]:
        side, _, rest = name.partition(" ")
        thing = rest if side in ("left", "right") and rest else name
        things[thing] = (*things.get(thing, ()), name)
    return things


def _large(parts: Sequence[Part]) -> tuple[str, ...]:
    """Parts so large that an edit's region is what changed: the background, and those that are in
    templates."""
    large = {name for card in templates().values() for name in card.large}
    return tuple(p.name for p in parts if p.index == 0 or p.name in large)


def _shown(bundle: Bundle) -> NDArray[np.bool_]:
    """What of a square picture is not bars, bool [R, R]."""
    return within_aspect(bundle.resolution, bundle.aspect)


def reduced(labels: Labels, size: tuple[int, int], classes: int) -> Labels:
    """A label map at a smaller size (width, height), by majority of area; UNLABELLED where most is
    not labelled."""
    shares = [
        resize((labels == c).astype(np.float32), size, cv2.INTER_AREA) for c in range(classes)
    ]
    stacked = np.stack(shares)
    best = stacked.argmax(axis=0).astype(np.uint8)
    best[stacked.sum(axis=0) < 0.5] = UNLABELLED
    return best
