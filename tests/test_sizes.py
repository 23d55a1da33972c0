"""A function fits on a screen, a module in a head."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PRODUCT = ("backend", "edit_library", "gimp_plugin", "installer", "protocol")
FUNCTION, MODULE = 48, 311  # lines, docstrings and signatures included

FILES = sorted(file for name in PRODUCT for file in (PROJECT / name).rglob("*.py"))


def functions_of(text: str) -> dict[str, int]:
    """The lines of each function, by name and first line."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds))
    return {f"{f.name}, line {f.lineno}": (f.end_lineno or 0) - f.lineno + 1 for f in found}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_a_module_and_its_functions_are_small(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MODULE
    assert {name: n for name, n in functions_of(text).items() if n > FUNCTION} == {}


def test_there_is_something_to_measure() -> None:
    assert len(FILES) > 300
    assert functions_of("class A:\n    def b(self):\n        return 1\n") == {"b, line 2": 2}
