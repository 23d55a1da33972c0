"""Imports between packages point one way: what stands higher in the list may use what is below."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
LAYERS = (
    {"backend.cli"},
    {"backend.commands.train"},
    {"backend.commands"},
    {"backend.server"},  # New Model trains
    {"backend.training"},
    {"backend.batch", "backend.evaluation"},
    {"backend.session"},
    {"backend.editing"},
    {"backend.bundles"},
    {"backend.models", "backend.photos", "edit_library"},
    {"backend.errors"},
    {"protocol"},
)
# The plug-in's rooms: windows ask commands, commands work on the image, all speak over the link
PLUGIN = PROJECT / "gimp_plugin/editgan"
ROOMS = ("windows", "commands", "image", "link")
APART = {"gimp_plugin": {"protocol"}, "installer": {"protocol"}}


def package_of(module: str) -> str:
    """backend.editing.region -> backend.editing; protocol.paths -> protocol."""
    if module.startswith("backend.commands.train"):
        return "backend.commands.train"
    first, *rest = module.split(".")
    return ".".join([first, *rest[:1]]) if first == "backend" else first


def imports(package: str) -> Iterator[tuple[Path, str]]:
    """Every file of a package with every one of the project's packages that it imports."""
    place = PROJECT / package.replace(".", "/")
    for file in [place.with_suffix(".py")] if not place.is_dir() else place.rglob("*.py"):
        if package_of(".".join(file.relative_to(PROJECT).parts)) != package:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            yield from ((file.relative_to(PROJECT), package_of(name)) for name in names)


@pytest.mark.parametrize("layer", range(len(LAYERS)))
def test_packages_use_only_what_is_below(layer: int) -> None:
    everything = set().union(*LAYERS) | set(APART)
    below = set().union(*LAYERS[layer + 1 :])
    for package in LAYERS[layer]:
        used = [(file, name) for file, name in imports(package) if name != package]
        assert [u for u in used if u[1] in everything - below] == []


@pytest.mark.parametrize("package", APART)
def test_packages_apart_use_only_the_protocol(package: str) -> None:
    others = set().union(*LAYERS) | set(APART) - {package}
    assert {name for _, name in imports(package)} & others == APART[package]


def test_every_package_of_the_backend_has_its_place() -> None:
    found = {p.name for p in (PROJECT / "backend").iterdir() if (p / "__init__.py").exists()}
    assert {f"backend.{name}" for name in found} < set().union(*LAYERS)


def plugin_imports(file: Path) -> set[str]:
    """The plug-in's own modules that a file imports: image.photos, link.texts ..."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module in ROOMS:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name for name in names if name.split(".")[0] in ROOMS}


@pytest.mark.parametrize("place", range(len(ROOMS)))
def test_rooms_of_the_plugin_use_only_what_is_below(place: int) -> None:
    above = set(ROOMS[:place])
    for file in (PLUGIN / ROOMS[place]).glob("*.py"):
        assert not {n for n in plugin_imports(file) if n.split(".")[0] in above}, file.name


def test_modules_of_the_plugin_import_one_another_in_no_circle() -> None:
    files = {f"{room}.{file.stem}": file for room in ROOMS for file in (PLUGIN / room).glob("*.py")}
    order = TopologicalSorter({name: plugin_imports(file) for name, file in files.items()})
    order.prepare()  # raises CycleError
    assert len(files) > 40


def test_of_the_commands_only_serve_knows_the_server() -> None:
    found = {file.name for file, name in imports("backend.commands") if name == "backend.server"}
    assert found == {"serve.py"}
