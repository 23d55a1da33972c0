"""Everything that is installed is pinned, hashed, and in the table of licences."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from installer import licenses
from installer.torch_build import PINS

SOURCES = sorted(PINS.glob("*.in"))


def pins(file: Path) -> dict[str, str]:
    """Package -> version; the names as package indexes compare them."""
    lines = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", file.read_text(encoding="utf-8"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}


@pytest.mark.parametrize("source", SOURCES, ids=lambda file: file.stem)
def test_hashes_are_of_the_pinned_versions(source: Path) -> None:
    """If this fails: python3 -m installer.pins."""
    hashed = source.with_suffix(".txt")
    assert pins(source) and pins(hashed) == pins(source)
    blocks = re.split(r"(?m)^(?=[\w.-]+==)", hashed.read_text(encoding="utf-8"))[1:]
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", block) for block in blocks)
    words = [w for w in source.read_text(encoding="utf-8").splitlines() if w and w[0] != "#"]
    assert len(words) == len(blocks), "every line is an exact version"


def test_two_files_never_pin_different_versions() -> None:
    seen: dict[str, set[str]] = {}
    for source in SOURCES:
        for name, version in pins(source).items():
            seen.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in seen.items() if len(versions) > 1} == {}


def test_the_table_of_licences_has_every_pin() -> None:
    """If this fails: python -m installer.licenses > docs/licences.md."""
    assert set(licenses.FOR) == {source.stem for source in SOURCES}
    page = licenses.TABLE.read_text(encoding="utf-8")
    for package, version, _ in licenses.pinned():
        assert f"| {package} | {version} | " in page


def test_the_models_terms_are_said_and_in_the_package_s_own_licence() -> None:
    page = licenses.TABLE.read_text(encoding="utf-8")
    files = list((licenses.HERE.parent / "backend/bundles/builtin").glob("*/bundle.json"))
    assert files
    for file in files:
        assert json.loads(file.read_text(encoding="utf-8"))["license"] in page
    project = tomllib.loads((licenses.HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["license"] == "MIT AND LicenseRef-Built-in-Models"
    cards = {f"backend/bundles/builtin/{name}/MODEL_CARD.md" for name in ("cats", "faces")}
    assert cards <= set(project["project"]["license-files"]), "of the models that the wheel holds"


def test_the_table_says_what_packages_say() -> None:
    assert licenses.licence("msgpack") == "Apache-2.0"
    assert licenses.licence("no-such-package") == "not said in its metadata"
    assert licenses.licence("gone", "| gone | 1.0 | MIT | backend |\n") == "MIT"
