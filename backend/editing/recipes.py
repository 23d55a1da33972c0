"""Recipes: a change of the parts described once, for any photo of a domain.

A recipe is what a photographer would paint, said in geometry: scale a group of parts, lift its
corners, let it grow. Edits are learned from recipes by the same optimisation that a repaint runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Bundle
from backend.editing.geometry import Close, Grow, Open, Raise, Remove, ScaleShape, ShapeChange
from backend.errors import NothingChanged, UnknownPart, UnknownRecipe
from backend.photos.label_edit import LabelEdit

_FINE = 512  # geometry is done on a grid of this size, so that small parts keep their shape


@dataclass(frozen=True)
class Limits:
    """What an edit may cost in the generator's picture at the ends of its range, on average.

    identity: the least cosine similarity to the reconstruction. drift: the largest perceptual
    distance outside the region, where colours begin to smear. scale: the largest either way, where
    an edit would become another one.
    """

    identity: float = 0.85
    drift: float = 0.035
    scale: float = math.inf


USUAL = Limits()


@dataclass(frozen=True)
class Recipe:
    """One edit: what happens to the shape of a group of parts.

    groups: names, in order of preference; the first that a bundle has is meant. usual: the scale
    that a slider begins at, where its range allows it. limits: of that range. needs: parts without
    which there is nothing to change.
    """

    name: str
    title: str
    description: str
    groups: tuple[str, ...]
    change: ShapeChange
    usual: float = 1.0
    limits: Limits = USUAL
    needs: tuple[str, ...] = ()

    def fits(self, bundle: Bundle) -> bool:
        """Whether the bundle has what it changes."""
        return any(group_of(bundle, name) for name in self.groups) and not self._missing(bundle)

    def _missing(self, bundle: Bundle) -> list[str]:
        return [name for name in self.needs if not group_of(bundle, name)]

    def parts(self, bundle: Bundle) -> tuple[str, ...]:
        """Q_edit, in the bundle's order; raises UnknownPart where it has none of the groups."""
        group = self.group(bundle)
        return tuple(part.name for part in bundle.parts if part.index in group)

    def group(self, bundle: Bundle) -> list[int]:
        """Q_edit as label values; raises UnknownPart where the bundle lacks its parts."""
        missing = self._missing(bundle)
        for name in self.groups:
            if (found := group_of(bundle, name)) and not missing:
                return found
        part = (*missing, *self.groups)[0]
        raise UnknownPart(
            f"'{self.title}' changes the {part}, which the model '{bundle.name}' does not tell "
            "apart; choose another edit or another model."
        )


def group_of(bundle: Bundle, name: str) -> list[int]:
    """The label values of a part group, or of the one part of that name; empty if there is none."""
    names = bundle.groups.get(name, (name,))
    return [part.index for part in bundle.parts if part.name in names]


def label_edit_of(recipe: Recipe, labels: NDArray[np.uint8], bundle: Bundle) -> LabelEdit:
    """What a recipe asks of a photo whose labels are uint8 [L, L].

    Raises UnknownPart when the bundle lacks its parts, NothingChanged when they are not in the
    picture or the change is too small for it.
    """
    group, parts = recipe.group(bundle), recipe.parts(bundle)
    if not np.isin(labels, group).any():
        raise NothingChanged(f"The picture has no {' or '.join(parts)} to change.")
    times = max(2, _FINE // labels.shape[0])
    fine = labels.repeat(times, axis=0).repeat(times, axis=1)
    wanted = recipe.change(fine, group, lambda name: group_of(bundle, name))
    target = _majority(wanted, times)
    changed = target != labels
    if not changed.any():
        raise NothingChanged(f"'{recipe.title}' changes nothing in this picture.")
    return LabelEdit(target, changed, np.zeros_like(labels), parts)


def _majority(fine: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Every label pixel's most common value among its `times` x `times` fine ones."""
    side = fine.shape[0] // times
    blocks = fine.reshape(side, times, side, times)
    counts = [(blocks == value).sum(axis=(1, 3)) for value in range(int(fine.max()) + 1)]
    return np.stack(counts).argmax(axis=0).astype(np.uint8)


def recipes_for(bundle: Bundle) -> tuple[Recipe, ...]:
    """The recipes of the bundle's domain whose parts it has."""
    known = RECIPES.get(bundle.domain, RECIPES.get(bundle.name, ()))
    return tuple(recipe for recipe in known if recipe.fits(bundle))


def find_recipe(bundle: Bundle, name: str) -> Recipe:
    """The recipe of that name; raises UnknownRecipe, UnknownPart if the bundle lacks its parts."""
    for recipe in RECIPES.get(bundle.domain, RECIPES.get(bundle.name, ())):
        if recipe.name == name:
            recipe.group(bundle)
            return recipe
    known = ", ".join(recipe.name for recipe in recipes_for(bundle)) or "none"
    raise UnknownRecipe(
        f"There is no recipe '{name}' for the model '{bundle.name}'; known: {known}."
    )


_MOUTH, _EYES, _BROWS = ("mouth",), ("eyes",), ("brows",)
_NOSE, _HAIR, _EARS = ("nose",), ("hair",), ("ears",)

FACES = (
    Recipe(
        "smile", "Smile", "Widens the mouth and lifts its corners.",
        _MOUTH, ScaleShape(x=1.45, y=1.25, lift=0.18),
    ),
    Recipe(
        "frown", "Frown", "Turns the corners of the mouth down.",
        _MOUTH, ScaleShape(x=1.1, y=1.1, lift=-0.22),
    ),
    Recipe("open-mouth", "Open mouth", "Opens the mouth.", _MOUTH, Open(0.3), 0.5),
    Recipe(
        "closed-mouth", "Closed mouth", "Brings the lips together.",
        _MOUTH, Close(), needs=("mouth interior", "upper lip", "lower lip"),
    ),
    Recipe("wider-mouth", "Wider mouth", "Widens the mouth.", _MOUTH, ScaleShape(x=1.5)),
    Recipe(
        "fuller-lips", "Fuller lips", "Makes the lips fuller.",
        _MOUTH, ScaleShape(1.05, 1.8, still="mouth interior"), 0.6,
    ),
    Recipe("bigger-eyes", "Bigger eyes", "Enlarges both eyes.", _EYES, ScaleShape(1.35, 1.8), 0.4),
    Recipe(
        "closed-eyes", "Closed eyes", "Lowers the upper eyelids.",
        _EYES, ScaleShape(y=0.3, anchor=0.85), 1.25, limits=Limits(identity=0.75, drift=0.05),
    ),
    Recipe(
        "narrower-eyes", "Narrower eyes", "Narrows both eyes.",
        _EYES, ScaleShape(y=0.5, anchor=0.7), 0.6, limits=Limits(scale=0.75),  # beyond, they shut
    ),
    Recipe("raised-brows", "Raised brows", "Raises both brows.", _BROWS, ScaleShape(up=0.8)),
    Recipe(
        "thicker-brows", "Thicker brows", "Makes both brows thicker.",
        _BROWS, ScaleShape(x=1.1, y=1.9, anchor=0.8),
    ),
    Recipe("slimmer-nose", "Slimmer nose", "Narrows the nose.", _NOSE, ScaleShape(0.55, 0.95)),
    Recipe(
        "more-hair", "More hair", "Gives the hair more volume.",
        _HAIR, Grow(0.06, over=("background", "clothes")),
    ),
    Recipe(
        "less-hair", "Less hair", "Gives the hair less volume.",
        _HAIR, Grow(-0.06, over=("background", "clothes")),
    ),
)  # fmt: skip
"""For bundles of the domain `faces`. Looking left or right needs an iris, which is too small a part
below 256 pixels."""

CATS = (
    Recipe("open-mouth", "Open mouth", "Opens the mouth.", _MOUTH, Open(0.4)),
    Recipe("bigger-eyes", "Bigger eyes", "Enlarges both eyes.", _EYES, ScaleShape(1.4, 1.4)),
    Recipe(
        "closed-eyes", "Closed eyes", "Lowers the upper eyelids.",
        _EYES, ScaleShape(y=0.3, anchor=0.8),
    ),
    Recipe(
        "bigger-ears", "Bigger ears", "Enlarges both ears.",
        _EARS, ScaleShape(x=1.3, y=1.4, anchor=1.0), 0.4,
    ),
    Recipe("smaller-nose", "Smaller nose", "Makes the nose smaller.", _NOSE, ScaleShape(0.6, 0.6)),
)  # fmt: skip
"""For bundles of the domain `cats`."""

CARS = (
    Recipe(
        "bigger-wheels", "Bigger wheels", "Enlarges the wheels; they stay on the road.",
        ("wheels",), ScaleShape(x=1.2, y=1.25, anchor=1.0),
    ),
    Recipe(
        "bigger-headlights", "Bigger headlights", "Enlarges the headlights.",
        ("headlights", "headlight"), ScaleShape(x=1.35, y=1.5),
    ),
    Recipe(
        "no-licence-plate", "No licence plate", "Takes the licence plate off.",
        ("plate", "licence plate"), Remove(),
    ),
    Recipe("higher-roof", "Higher roof", "Raises the roof.", ("cabin", "roof"), Raise(1.25)),
    Recipe(
        "larger-windows", "Larger windows", "Enlarges all windows.",
        ("windows",), Grow(0.02, over=("door", "bodywork", "body", "roof", "bonnet")),
    ),
)  # fmt: skip
"""For bundles of the domain `cars`."""

RECIPES = {"faces": FACES, "cats": CATS, "cars": CARS}
"""Recipes by domain."""
