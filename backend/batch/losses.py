"""What results in another format cannot hold, found on one photo of each format before the work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from backend.batch.tasks import Task
from backend.photos.files import losses, read_photo
from backend.photos.writing import KINDS
from protocol.errors import UserError


def expected_losses(tasks: Sequence[Task]) -> Iterator[str]:
    """A sentence for each change of format that loses something; the report names every photo."""
    seen: set[tuple[str, str]] = set()
    for task in tasks:
        source, target = task.place(), Path(task.name)
        change = source.suffix.lower(), target.suffix.lower()
        if change in seen or KINDS.get(change[0]) == KINDS[change[1]]:
            continue
        try:
            sentence = losses(read_photo(source), target)
        except UserError:  # told when its turn comes; another photo may be better
            continue
        seen.add(change)
        if sentence:
            yield f"{source.name}, and perhaps others: {sentence}"
