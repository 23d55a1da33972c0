"""The word of `bundle.json` that says how subjects lie in a model's square pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ASPECT = re.compile("([1-9][0-9]?):([1-9][0-9]?)( whole)?")


@dataclass(frozen=True)
class Crop:
    """aspect: width by height of what lies between bars; whole: the subject's box is shown whole,
    grey beyond it."""

    aspect: float = 1.0
    whole: bool = False


def read_crop(text: str) -> Crop:
    """What "4:3" or "4:3 whole" means; all other words are of pictures without bars."""
    found = _ASPECT.fullmatch(text)
    return Crop(int(found[1]) / int(found[2]), found[3] is not None) if found else Crop()
