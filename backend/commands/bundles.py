"""`editgan bundles`: the models that are installed."""

from __future__ import annotations

import argparse
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace) -> dict[str, Any]:
    """All bundles by name; one that cannot be read has a `problem`."""
    from backend.session.installed_bundles import InstalledBundles

    return {"bundles": InstalledBundles().describe()}


def describe(report: dict[str, Any]) -> str:
    return "\n".join(_line(one) for one in report["bundles"]) or "No model is installed."


def _line(bundle: dict[str, Any]) -> str:
    if problem := bundle.get("problem"):
        return f"{bundle['name']}: {problem}"
    parts = f"{len(bundle['parts'])} parts"
    if bundle["missing"]:
        parts = f"no {' and no '.join(bundle['missing'])} yet"
    size = f"{bundle['resolution']} pixels"
    return f"{bundle['name']}: {size}, {parts}; {bundle['license']}"
