"""Requests that need no device: answered while a job runs, and before torch is there."""

from __future__ import annotations

import dataclasses
from typing import Any

from backend.server import translate
from backend.server.engines import Catalogue
from backend.server.jobs import Job
from edit_library.library import Library
from protocol import messages as m


class FilesDesk:
    """Reads the edit library and the bundles' descriptions."""

    def __init__(self, library: Library, catalogue: Catalogue) -> None:
        self._library = library
        self._catalogue = catalogue

    def answer(self, job: Job) -> m.Message:
        match job.request:
            case m.ListEdits(bundle=bundle):
                return m.Edits([translate.edit_info(edit) for edit in self._library.list(bundle)])
            case m.ListBundles():
                return m.Bundles([self._bundle(one) for one in self._catalogue.describe()])
        raise m.ProtocolError(f"no file work for {job.kind}")

    def _bundle(self, described: dict[str, Any]) -> m.BundleInfo:
        known = {field.name for field in dataclasses.fields(m.BundleInfo)}
        values = {name: value for name, value in described.items() if name in known}
        for name in ("parts", "missing"):
            values[name] = tuple(values.get(name, ()))
        return m.BundleInfo(**values, picture=self._catalogue.picture(described["name"]))
