"""Requests that need no device: answered while a job runs, and before torch is there."""

from __future__ import annotations

from backend.server import translate
from backend.server.jobs import Job
from edit_library.library import Library
from protocol import messages as m


class FilesDesk:
    """Reads the edit library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def answer(self, job: Job) -> m.Message:
        if not isinstance(job.request, m.ListEdits):
            raise m.ProtocolError(f"no file work for {job.kind}")
        return m.Edits(
            [translate.edit_info(edit) for edit in self._library.list(job.request.bundle)]
        )
