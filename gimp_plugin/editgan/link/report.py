"""What a procedure answers: a map of plain values, which the caller gets as JSON."""

from __future__ import annotations

from typing import Any

Report = dict[str, Any]
