"""Imports between packages point one way: what stands higher in the list may use what is below."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
LAYERS = (
    {"backend.cli"},
    {"backend.training"},
    {"backend.commands"},
    {"backend.evaluation", "backend.server"},
    {"backend.editing"},
    {"backend.bundles"},
    {"backend.models", "backend.photos", "edit_library"},
    {"backend.errors", "protocol"},
)
APART = {"gimp_plugin": {"protocol"}, "installer": {"protocol"}}


def package_of(module: str) -> str:
    """backend.editing.region -> backend.editing; protocol.paths -> protocol."""
    first, *rest = module.split(".")
    return ".".join([first, *rest[:1]]) if first == "backend" else first


def imports(package: str) -> Iterator[tuple[Path, str]]:
    """Every file of a package with every one of the project's packages that it imports."""
    place = PROJECT / package.replace(".", "/")
    for file in [place.with_suffix(".py")] if not place.is_dir() else place.rglob("*.py"):
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
