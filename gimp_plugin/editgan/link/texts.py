"""Translation of what the user reads."""

from __future__ import annotations

import gettext
from pathlib import Path

_catalogue = gettext.translation(
    "editgan", localedir=Path(__file__).resolve().parents[1] / "locale", fallback=True
)
_ = _catalogue.gettext
IN_ENGLISH = not isinstance(_catalogue, gettext.GNUTranslations)  # the texts are as in the source
