"""Translation of what the user reads."""

from __future__ import annotations

import gettext
from pathlib import Path

_ = gettext.translation(
    "editgan", localedir=Path(__file__).resolve().parent / "locale", fallback=True
).gettext
