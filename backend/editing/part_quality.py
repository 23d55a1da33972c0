"""How well each part of a photo is represented, and which parts something hides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Bundle
from backend.editing.photo_parts import PhotoParts
from protocol.facts import Grade

_HIDDEN = 0.6  # share of a part that lies behind something from which nothing is drawn there
_WELL, _ROUGHLY = 0.7, 0.5  # intersection over union of a group's parts with the photo's
_BEFORE = 0.04  # share of the middle of a frame from which something is said to lie before it
_SIDE = 0.2  # of the face's width: a nose that close to the outline
_SMALLEST = 2e-4  # of the crop: what shows less than this is not judged


class PartsFacts(TypedDict):
    """What a PhotoReport says of a photo's parts."""

    part_verdicts: dict[str, Grade]
    hidden: tuple[str, ...]
    covered: bool
    profile: bool


def parts_facts(
    seen: PhotoParts, labels: NDArray[np.uint8], valid: NDArray[np.bool_], bundle: Bundle
) -> PartsFacts:
    """A verdict by group, and what is hidden."""
    return {
        "part_verdicts": part_verdicts(seen, labels, valid, bundle),
        "hidden": hidden_parts(seen, labels, bundle),
        "covered": covers_face(seen),
        "profile": is_profile(seen),
    }


def hidden_parts(seen: PhotoParts, labels: NDArray[np.uint8], bundle: Bundle) -> tuple[str, ...]:
    """The parts of the reconstruction, uint8 [L, L], that lie behind a hand, a cup, a mask or
    dark glasses in the photo; large parts are never hidden as a whole."""
    covered = seen.at(len(labels)).covered > 0.5
    small = [part for part in bundle.parts if part.name not in bundle.large]
    return tuple(
        part.name
        for part in small
        if (own := labels == part.index).any() and covered[own].mean() >= _HIDDEN
    )


def covers_face(seen: PhotoParts) -> bool:
    """Whether something lies before the face, rather than beside it."""
    size = len(seen.covered)
    low, high = round(0.3 * size), round(0.7 * size)  # where a frame has eyes, nose and mouth
    before = (seen.covered > 0.5) & (seen.face < 0.5)
    return bool(before[low : round(0.85 * size), low:high].mean() > _BEFORE)


def is_profile(seen: PhotoParts) -> bool:
    """Whether the face is seen from the side: its nose lies near the face's outline."""
    face = (seen.face > 0.5) | (seen.covered > 0.5)
    columns = np.arange(len(face))
    nose = seen.nose.sum(axis=0)
    if not nose.any() or not face.any():
        return False
    rows = slice(round(0.4 * len(face)), round(0.65 * len(face)))  # from the eyes to the nose
    spread = np.nonzero(face[rows].any(axis=0))[0]
    if not len(spread):
        return False
    place = (float(nose @ columns / nose.sum()) - spread[0]) / max(spread[-1] - spread[0], 1)
    return not _SIDE < place < 1 - _SIDE


def part_verdicts(
    seen: PhotoParts, labels: NDArray[np.uint8], valid: NDArray[np.bool_], bundle: Bundle
) -> dict[str, Grade]:
    """By part group: do reconstruction, uint8 [L, L], and photo agree on it "well", "roughly" or
    "poorly"? valid: bool [L, L], what counts. A group within a larger one is left out."""
    own = seen.at(len(labels)).labels
    found: dict[str, Grade] = {}
    for name, members in _largest(bundle.groups).items():
        indices = [bundle.part(member).index for member in members]
        a, b = np.isin(own, indices) & valid, np.isin(labels, indices) & valid
        if a.mean() >= _SMALLEST:
            found[name] = _grade(float((a & b).sum() / (a | b).sum()))
    return found


def _largest(groups: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    return {
        name: members
        for name, members in groups.items()
        if not any(set(members) < set(other) for other in groups.values())
    }


def _grade(overlap: float) -> Grade:
    return "well" if overlap > _WELL else "roughly" if overlap > _ROUGHLY else "poorly"
