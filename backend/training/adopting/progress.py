"""What an adoption has done so far, kept beside its training states: it resumes where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadSetting

FILE = "adoption.json"
MadeWith = Mapping[str, str | int]
"""The options that a step's result depends on, by name."""


@dataclass(frozen=True)
class Adoption:
    """A folder of training states, and which steps are finished."""

    folder: Path
    checkpoint: str  # sha256 of the file that is adopted

    def begin(self) -> None:
        """Make the folder, or resume in it; raises BadSetting where it belongs to another file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        known = self._read().get("checkpoint", self.checkpoint)
        if known != self.checkpoint:
            raise BadSetting(
                f"{self.folder} belongs to the adoption of another file; give another --name, or "
                "remove that folder."
            )
        self._write(self.done, self._made_with)

    @property
    def done(self) -> list[str]:
        """Names of the finished steps, in their order."""
        done = self._read().get("done")
        return [str(name) for name in done] if isinstance(done, list) else []

    def step(
        self, name: str, work: Callable[[], object], made_with: MadeWith | None = None
    ) -> bool:
        """Do a step unless it is finished; returns whether it was done now."""
        if name in self.done:
            return False
        work()
        self._write([*self.done, name], {**self._made_with, name: dict(made_with or {})})
        return True

    def made_otherwise(self, name: str, options: MadeWith) -> MadeWith:
        """Which options a finished step was made with, of those that are others now."""
        before = self._made_with.get(name, {})
        return {key: value for key, value in before.items() if options.get(key) != value}

    def forget_unless(self, name: str, options: MadeWith) -> bool:
        """Have a step done again that was made with other options; returns whether it was."""
        others = self._made_with.get(name, options) != options
        if others:
            self._write([step for step in self.done if step != name], self._made_with)
        return others

    @property
    def _made_with(self) -> dict[str, MadeWith]:
        known = self._read().get("made_with")
        return known if isinstance(known, dict) else {}

    def _read(self) -> dict[str, object]:
        path = self.folder / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        except ValueError as error:
            raise BadSetting(f"{path} is damaged; remove it to begin anew.") from error
        return found if isinstance(found, dict) else {}

    def _write(self, done: list[str], made_with: Mapping[str, MadeWith]) -> None:
        partial = self.folder / f"{FILE}.partial"
        content = {"checkpoint": self.checkpoint, "done": done, "made_with": made_with}
        partial.write_text(json.dumps(content), encoding="utf-8")
        os.replace(partial, self.folder / FILE)
