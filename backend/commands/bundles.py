"""`editgan bundles`: the models that are installed."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from protocol.facts import BundleInfo


@dataclass(frozen=True)
class BundlesReport:
    """The installed models."""

    bundles: list[BundleInfo]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace) -> BundlesReport:
    """All bundles by name; one that cannot be read has a `problem`."""
    from backend.session.installed_bundles import InstalledBundles

    return BundlesReport(InstalledBundles().describe())


def describe(report: BundlesReport) -> str:
    return "\n".join(_line(one) for one in report.bundles) or "No model is installed."


def _line(bundle: BundleInfo) -> str:
    if bundle.problem:
        return f"{bundle.name}: {bundle.problem}"
    parts = f"{len(bundle.parts)} parts"
    if bundle.missing:
        parts = f"no {' and no '.join(bundle.missing)} yet"
    return f"{bundle.name}: {bundle.resolution} pixels, {parts}; {bundle.license}"
