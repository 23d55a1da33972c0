"""Alt and a letter mean one thing in each window, in every language."""

from __future__ import annotations

import ast
import gettext
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "gimp_plugin/editgan"
LANGUAGES = ["en", *sorted(path.name for path in (PLUGIN / "locale").iterdir() if path.is_dir())]
# Windows that are modules of their own; the others are functions of dialogs.py
WINDOWS = [
    ["indexed"],
    [
        "editgan_window",
        "opening",
        "workbench",
        "in_sight",
        "preset_grid",
        "paint_bar",
        "stack_sliders",
    ],
    ["more_menu"],
    ["closing"],
    ["model_question"],
    ["progress_window", "picture"],
    ["status_dialog", "status_pages", "settings_page", "downloads", "work_bar"],
    ["new_model", "new_model_view", "part_list", "part_buttons", "work_bar"],
    ["library_dialog", "library_actions", "edit_grid", "before_after", "stack_sliders"],
    ["name_question"],
    ["edit_files"],
    ["save_dialog"],
    ["borrow_dialog"],
    ["frames_dialogs"],
    ["live_window", "picture"],
]
# Buttons that GIMP puts into dialogs made of arguments
GIMPS = {
    "en": ["_Load Saved Settings", "_Save Settings", "_Reset", "_Cancel"],
    "de": ["_Zurücksetzen", "_Abbrechen"],
}
# Their command's arguments, whose widgets GIMP makes
ARGUMENTS = {"borrow_dialog": ("borrow", ["take", "steps"])}


def test_in_the_menu() -> None:
    for language in LANGUAGES:
        unique([t for t in texts(tree("editgan")) if t.endswith("...")], language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("modules", WINDOWS, ids=lambda modules: modules[0])
def test_in_windows(modules: Sequence[str], language: str) -> None:
    asked = {text for module in modules for text in questions(tree(module))}
    found = [text for module in modules for text in texts(tree(module)) if text not in asked]
    named = [ARGUMENTS[module] for module in modules if module in ARGUMENTS]
    arguments = [label for command, names in named for label in labels(command, names)]
    unique(found + arguments, language, GIMPS.get(language, []) if named else [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_dialogs_made_of_arguments(language: str) -> None:
    seen = 0
    for function in ast.walk(tree("dialogs")):
        if isinstance(function, ast.FunctionDef) and (arguments := filled(function)):
            shown = [*texts(function), *labels(function.name, arguments)]
            unique(shown, language, GIMPS.get(language, []))
            seen += 1
    assert seen >= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_questions(language: str) -> None:
    for file in PLUGIN.rglob("*.py"):
        unique(list(questions(ast.parse(file.read_text(encoding="utf-8")))), language)


def questions(module: ast.Module) -> Iterator[str]:
    """The texts of functions that ask something in a small window of its own."""
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef) and "Gtk.MessageDialog(" in ast.unparse(function):
            yield from texts(function)


def tree(module: str) -> ast.Module:
    (file,) = PLUGIN.rglob(f"{module}.py")
    return ast.parse(file.read_text(encoding="utf-8"))


def texts(node: ast.AST) -> Iterator[str]:
    """Everything in _()."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "_":
            assert isinstance(call.args[0], ast.Constant)
            yield call.args[0].value


def filled(function: ast.FunctionDef) -> list[str]:
    """The arguments that a function lets GIMP make widgets for."""
    return [
        name.value
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "fill"
        for name in call.args[0].elts
    ]


def labels(command: str, arguments: Sequence[str]) -> list[str]:
    """The labels of a command's arguments, as arguments.py adds them."""
    functions = (f for f in ast.walk(tree("arguments")) if isinstance(f, ast.FunctionDef))
    adds = next(f for f in functions if f.name == f"add_{command}")
    return [
        next(texts(call.args[1]))
        for call in ast.walk(adds)
        if isinstance(call, ast.Call)
        and re.fullmatch(r"add_\w+_argument", getattr(call.func, "attr", ""))
        and call.args[0].value in arguments
    ]


def unique(found: Sequence[str], language: str, others: Sequence[str] = ()) -> None:
    translated = gettext.translation("editgan", PLUGIN / "locale", [language], fallback=True)
    shown = sorted({translated.gettext(text) for text in found} | set(others))
    letters = [(m[1].lower(), t) for t in shown if (m := re.search(r"_(\w)", t))]
    counts = Counter(letter for letter, _text in letters)
    assert not [(letter, text) for letter, text in letters if counts[letter] > 1], language
