"""Which bundles there are: built in, and in the user's data directory."""

from __future__ import annotations

from pathlib import Path

from backend.bundles.bundle import Bundle, is_line, read_bundle
from backend.errors import UnknownBundle
from protocol.paths import bundles_dir

BUILTIN = Path(__file__).parent / "builtin"


def list_bundles() -> dict[str, Path]:
    """Bundle folders by name; a user's bundle hides a built-in one of the same name."""
    folders = [p.parent for root in (BUILTIN, bundles_dir()) for p in root.glob("*/bundle.json")]
    return {folder.name: folder for folder in folders if is_line(folder.name)}


def find_bundle(name: str) -> Bundle:
    """The bundle called `name`, or the one in the folder `name`.

    Raises UnknownBundle when there is none, BadBundle when it cannot be read.
    """
    known = list_bundles()
    if name in known:
        return read_bundle(known[name])
    if (Path(name) / "bundle.json").is_file():
        return read_bundle(Path(name))
    names = ", ".join(sorted(known)) or "none"
    raise UnknownBundle(f"There is no model '{name}'. Installed: {names}.")


def bundle_at(where: Path) -> Bundle:
    """The bundle in the folder `where`, or else the installed one of that name; for training,
    which changes it. Raises UnknownBundle, BadBundle."""
    if (where / "bundle.json").is_file():
        return read_bundle(where)
    return find_bundle(str(where))
