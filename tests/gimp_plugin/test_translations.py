"""Every text of the plug-in can be translated, and is translated completely and soundly."""

from __future__ import annotations

import ast
import gettext
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog

PROJECT = Path(__file__).resolve().parents[2]
PLUGIN = PROJECT / "gimp_plugin/editgan"
LANGUAGES = sorted(path.name for path in (PLUGIN / "locale").iterdir() if path.is_dir())
UPDATE = "run python gimp_plugin/update_catalogues.py"
# What shows its texts to the user, and by which arguments
SHOWN = {
    "PlugInError": (0,), "message": (0,), "hint": (0,), "say": (0,), "row": (0,),
    "add_button": (0,), "set_text": (0,), "set_title": (0,), "set_tooltip_text": (0,),
    "set_markup": (0,), "set_menu_label": (0,), "set_ok_label": (0,), "progress_init": (0,),
    "new_with_mnemonic": (0,), "new_with_label": (0,), "undo_group_start": (), "new": (1, 2),
}  # fmt: skip
KEYWORDS = ("label", "title", "tooltip_text", "text", "placeholder_text")


@pytest.fixture(scope="module")
def translate() -> ModuleType:
    path = PROJECT / "gimp_plugin/update_catalogues.py"
    spec = importlib.util.spec_from_file_location("translate", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=LANGUAGES)
def catalog(translate: ModuleType, request: pytest.FixtureRequest) -> Catalog:
    return translate.read(translate.po_file(request.param))


def test_the_template_holds_every_text(translate: ModuleType) -> None:
    wanted = translate.po_bytes(translate.extracted())
    assert translate.TEMPLATE.read_bytes() == wanted, UPDATE


def test_every_marked_text_is_extracted(translate: ModuleType) -> None:
    """The extraction does not see those within f-strings, for example."""
    found = {message.id for message in translate.extracted()}
    missed = {
        file.name: sorted(texts)
        for file in sorted(PLUGIN.rglob("*.py"))
        if (texts := set(marked(ast.parse(file.read_text(encoding="utf-8")))) - found)
    }
    assert not missed, "take these out of their f-strings"


def marked(tree: ast.AST) -> Iterator[str]:
    """The texts in _()."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
            yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant))


def test_every_text_is_translated(translate: ModuleType, catalog: Catalog) -> None:
    translated = {message.id for message in catalog if translate.done(message)}
    missing = {message.id for message in translate.extracted() if message.id} - translated
    assert not missing, f"{UPDATE} and translate these in {catalog.locale}"


def test_translations_keep_placeholders_and_mnemonics(catalog: Catalog) -> None:
    for message in catalog:
        if message.id and message.string:
            assert fields(message.string) == fields(message.id), message.id
            assert message.string.count("_") == message.id.count("_"), message.id


def fields(text: str) -> list[str]:
    return sorted(re.findall(r"\{[^{}]*\}", text))


def test_compiled_catalogs_are_those_of_the_sources(
    translate: ModuleType, catalog: Catalog
) -> None:
    compiled = translate.po_file(str(catalog.locale)).with_suffix(".mo")
    assert compiled.read_bytes() == translate.mo_bytes(catalog), UPDATE


def test_gettext_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    german = gettext.translation("editgan", PLUGIN / "locale")
    assert german.gettext("Segment Parts") == "Teile segmentieren"


@pytest.mark.parametrize("file", sorted(PLUGIN.rglob("*.py")), ids=lambda file: file.name)
def test_what_is_shown_goes_through_gettext(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    bare = [f"{file.name}:{node.lineno}: {node.value!r}" for node in shown(tree) if words(node)]
    assert not bare, "wrap these in _()"


def shown(tree: ast.AST) -> Iterator[ast.Constant]:
    """Literal texts that are handed to something that shows them."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        places = SHOWN.get(name, ())
        handed = [argument for i, argument in enumerate(node.args) if i in places]
        handed += [keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS]
        yield from (value for value in handed if isinstance(value, ast.Constant))


def words(node: ast.Constant) -> bool:
    """Something to translate, not an example such as workstation:5570."""
    text = node.value if isinstance(node.value, str) else ""
    return bool(re.search(r"[a-z]{2}", text, re.I)) and not re.fullmatch(r"\w+:\d+", text)
