"""What `install.py` and `editgan setup` can be asked for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

# Light: asking for the help must work on a Python that has nothing.
KINDS = ("native", "appimage", "flatpak", "snap")
WHERE = (
    "Everything goes below one folder, $EDITGAN_HOME or the user's data folder, except the "
    "plug-in, which goes into GIMP's own plug-in folder."
)


def add_to(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Add the arguments; returns the group of what there is to do, of which one is chosen."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--no-gimp", action="store_true", help="install the command line alone")
    what.add_argument("--where", action="store_true", help="print as JSON where everything is")
    what.add_argument("--uninstall", action="store_true", help="remove what was installed")
    parser.add_argument("--purge", action="store_true", help="with --uninstall: your own edits too")
    parser.add_argument("--yes", action="store_true", help="with --uninstall: do not ask")
    build = parser.add_mutually_exclusive_group()
    for name, what_for in {"cuda": "NVIDIA cards", "cpu": "machines without one"}.items():
        build.add_argument(
            f"--{name}",
            action="store_const",
            const=name,
            dest="build",
            help=f"torch for {what_for} (else: whether one is found decides)",
        )
    parser.add_argument("--gimp", choices=KINDS, help="which GIMP, where there are several")
    parser.add_argument(
        "--torch-index", metavar="URL", help="another package index to take torch from"
    )
    return what


def carry_out(asked: argparse.Namespace, rest: Sequence[str] = ()) -> int:
    """Do what was asked for; returns the exit code. Raises InstallError, OSError."""
    from installer import steps

    if asked.where:
        return steps.show_where()
    if asked.uninstall:
        return steps.uninstall(purge=asked.purge, sure=asked.yes)
    chosen = steps.Options(asked.build, asked.torch_index, asked.gimp)
    if getattr(asked, "test", False):
        return steps.test(rest, chosen)
    if getattr(asked, "demo", False):
        return steps.demo(chosen)
    if asked.no_gimp:
        return steps.install_command(chosen)
    return steps.install(chosen)
