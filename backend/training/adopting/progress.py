"""What an adoption has done so far, kept beside its training states: it resumes where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadSetting

FILE = "adoption.json"


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
        self._write(self.done)

    @property
    def done(self) -> list[str]:
        """Names of the finished steps, in their order."""
        done = self._read().get("done")
        return [str(name) for name in done] if isinstance(done, list) else []

    def step(self, name: str, work: Callable[[], object]) -> bool:
        """Do a step unless it is finished; returns whether it was done now."""
        if name in self.done:
            return False
        work()
        self._write([*self.done, name])
        return True

    def _read(self) -> dict[str, object]:
        path = self.folder / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        except ValueError as error:
            raise BadSetting(f"{path} is damaged; remove it to begin anew.") from error
        return found if isinstance(found, dict) else {}

    def _write(self, done: list[str]) -> None:
        partial = self.folder / f"{FILE}.partial"
        content = {"checkpoint": self.checkpoint, "done": done}
        partial.write_text(json.dumps(content), encoding="utf-8")
        os.replace(partial, self.folder / FILE)
