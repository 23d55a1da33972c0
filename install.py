#!/usr/bin/env python3
"""Install EditGAN for GIMP. Needs only Python 3.11 or newer; run it again to go on or update.

Usage:
    python3 install.py              the environment, and the plug-in for the GIMP 3 that is found
    python3 install.py --cuda       the same, with torch for NVIDIA cards (--cpu: without)
    python3 install.py --demo       the same, then the main job on the shipped portrait, into demo/
    python3 install.py --test       everything the tests need, then the tests
    python3 install.py --where      where everything is, as JSON
    python3 install.py --uninstall  remove what it installed, and nothing else
"""

from __future__ import annotations

import argparse
import sys

from installer import options
from installer.console import InstallError


def main() -> int:
    """Do what the command line asks; returns the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this very check
        print("EditGAN needs Python 3.11 or newer; run install.py with one.", file=sys.stderr)
        return 2
    asked, rest = parser().parse_known_args()
    if rest and not asked.test:
        parser().error(f"unknown arguments: {' '.join(rest)}")
    try:
        return options.carry_out(asked, rest)
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        what = error.filename or "A file"
        print(
            f"\n{what} cannot be read or written: {error.strerror or error}; check its folder, the "
            "permissions and the free space, and run the same command again.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; run the same command again to go on.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        description="Install EditGAN for GIMP.",
        epilog=f"{options.WHERE} After --test, further arguments are pytest's.",
    )
    what = options.add_to(made)
    what.add_argument("--demo", action="store_true", help="install, then show what it does")
    what.add_argument("--test", action="store_true", help="prepare and run the tests")
    return made


if __name__ == "__main__":
    sys.exit(main())
