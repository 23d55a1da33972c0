"""Prose is wrapped at 100 characters: a change of one sentence is a change of few lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted(page for pattern in ("*.md", "docs/**/*.md") for page in PROJECT.glob(pattern))
NOT_PROSE = re.compile(r"^(\s*\||!\[|    |\s*\[[^]]*\]:)")
CODE = re.compile(r"`[^`]*`")
RULE = re.compile(r"^\s*\|(\s*:?-+:?\s*\|)+$")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_lines_are_wrapped(page: Path) -> None:
    lines = FENCE.sub("", page.read_text(encoding="utf-8")).splitlines()
    long = [x for x in lines if len(x) > 100 and " " in x.strip() and not NOT_PROSE.match(x)]
    assert long == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_tables_have_a_rule_and_rows_of_one_width(page: Path) -> None:
    """A table that was wrapped like prose is none."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    tables: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.lstrip().startswith("|"):
            tables[-1].append(line.rstrip())
        elif tables[-1]:
            tables.append([])
    for head, *rows in filter(None, tables):
        assert rows and RULE.match(rows[0]), f"no table: {head}"
        widths = {CODE.sub("", line).replace("\\|", "").count("|") for line in (head, *rows)}
        assert len(widths) == 1, f"rows of several widths: {head}"
