"""Prose is wrapped at 100 characters: a change of one sentence is a change of few lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted(page for pattern in ("*.md", "docs/**/*.md") for page in PROJECT.glob(pattern))
NOT_PROSE = re.compile(r"^(\||!\[|    |\s*\[[^]]*\]:)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_lines_are_wrapped(page: Path) -> None:
    lines = FENCE.sub("", page.read_text(encoding="utf-8")).splitlines()
    long = [x for x in lines if len(x) > 100 and " " in x.strip() and not NOT_PROSE.match(x)]
    assert long == []
