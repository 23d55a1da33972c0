"""What was found out about pictures one by one: an interrupted run goes on where it was."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import TracebackType
from typing import Any

from backend.photos.output import replace_file


class Noted:
    """Values by name in a file of JSON lines, each there as soon as it is noted; a context
    manager. A line that a run was interrupted in does not count."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.values: dict[str, Any] = {}
        text, whole = path.read_text(encoding="utf-8") if path.is_file() else "", ""
        for line in text.split("\n"):
            with contextlib.suppress(ValueError, TypeError):
                name, value = json.loads(line)
                self.values[str(name)] = value
                whole += f"{line}\n"
        if whole != text:
            replace_file(path, whole.encode())
        self._file = path.open("a", encoding="utf-8")

    def note(self, name: str, value: Any) -> None:
        self.values[name] = value
        self._file.write(json.dumps([name, value], ensure_ascii=False) + "\n")
        self._file.flush()

    def __enter__(self) -> Noted:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def notes_beside(output: Path) -> Path:
    """Where the notes for an output lie."""
    return output.with_name(f"{output.name}.notes")
