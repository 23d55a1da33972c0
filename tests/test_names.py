"""A class's name says one thing in all of the product."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PRODUCT = ("backend", "edit_library", "gimp_plugin", "installer", "protocol")
# What the engine, or the library, makes and what travels of it
WIRE_TWINS = {"EditInfo", "PlacedMask", "Progress", "ResultLayer", "Subject"}


def places_of_classes() -> dict[str, list[str]]:
    """Of each public class, by name, the modules that define one."""
    found = defaultdict(list)
    for package in PRODUCT:
        for file in sorted((PROJECT / package).rglob("*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(file.relative_to(PROJECT)))
    return found


def test_no_two_classes_have_one_name() -> None:
    twice = {name: files for name, files in places_of_classes().items() if len(files) > 1}
    assert {name: files for name, files in twice.items() if name not in WIRE_TWINS} == {}


def test_a_wire_twin_is_one() -> None:
    """One in the protocol, and one that is sent as it."""
    places = places_of_classes()
    for name in WIRE_TWINS:
        message, other = sorted(places[name], key=lambda file: not file.startswith("protocol/"))
        assert message.startswith("protocol/messages/"), name
        assert other.startswith(("backend/", "edit_library/")), name
