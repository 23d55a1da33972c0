"""Which edits the user has marked as favourites: one small file in the user's library folder."""

from __future__ import annotations

import json
from pathlib import Path

from edit_library.storage import replace_file, writing
from protocol import bounded_file

FILE = "favourites.json"
_MAX_BYTES = 1 << 20


class Favourites:
    """Names by bundle. Read anew each time, as several processes may use one library."""

    def __init__(self, user_dir: Path) -> None:
        self._path = user_dir / FILE

    def of(self, bundle: str) -> set[str]:
        """The favourites of one bundle; a damaged file holds none."""
        return set(self._read().get(bundle, ()))

    def set(self, bundle: str, name: str, favourite: bool) -> None:
        """Mark an edit or take its mark away; raises EditNotWritable when the disk refuses."""
        content = self._read()
        names = set(content.get(bundle, ()))
        if favourite == (name in names):
            return
        content[bundle] = sorted(names ^ {name})
        with writing("marked"):
            self._write(content)

    def rename(self, bundle: str, old: str, new: str) -> None:
        """Let a mark follow its edit."""
        if old != new and old in self.of(bundle):
            self.set(bundle, old, False)
            self.set(bundle, new, True)

    def _read(self) -> dict[str, list[str]]:
        try:
            content = bounded_file.read_json(self._path, _MAX_BYTES)
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict):
            return {}
        return {
            bundle: [name for name in names if isinstance(name, str)]
            for bundle, names in content.items()
            if isinstance(names, list)
        }

    def _write(self, content: dict[str, list[str]]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps(content, indent=1, sort_keys=True)
        replace_file(self._path, text.encode())
