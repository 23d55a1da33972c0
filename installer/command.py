"""`editgan setup`: what install.py does, for those who have EditGAN from a package index."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from installer import options
from installer.console import InstallError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = options.WHERE
    options.add_to(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Install, update or remove; the steps speak for themselves."""
    try:
        return {"exit_code": options.carry_out(args)}
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        return {"exit_code": 1}


def describe(report: dict[str, Any]) -> str:
    return ""
