"""The bundles that are installed: described without loading any, and loaded on a device."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from backend.bundles.bundle import read_bundle
from backend.bundles.registry import find_bundle, list_bundles
from protocol.errors import UserError
from protocol.facts import BundleInfo

if TYPE_CHECKING:  # imports torch
    from backend.editing.editor import Editor

_log = logging.getLogger(__name__)


class InstalledBundles:
    """The built-in bundles and the user's own."""

    def names(self) -> list[str]:
        return sorted(list_bundles())

    def ready(self) -> list[str]:
        return [one.name for one in self.describe() if not (one.missing or one.problem)]

    def describe(self) -> list[BundleInfo]:
        return [self._describe(name, folder) for name, folder in sorted(list_bundles().items())]

    def picture(self, name: str) -> bytes | None:
        from backend.bundles.preview import preview

        try:
            bundle = find_bundle(name)
        except UserError:
            return None
        return preview(bundle.folder, bundle.resolution)

    def load(self, name: str, device: str) -> Editor:
        """Raises UnknownBundle, BadBundle or IncompleteBundle."""
        from backend.editing.editor import Editor

        return Editor(find_bundle(name), device)

    def _describe(self, name: str, folder: Path) -> BundleInfo:
        try:
            state = (folder / "bundle.json").stat()
        except OSError as error:
            return BundleInfo(name, problem=f"{folder} cannot be read: {error.strerror}.")
        stamp = state.st_mtime_ns, state.st_size, state.st_ino
        return _described(name, folder, stamp)


@functools.lru_cache(256)
def _described(name: str, folder: Path, stamp: tuple[int, int, int]) -> BundleInfo:
    """What `bundle.json` says, read anew when it changes: clients ask with every greeting.

    One that cannot be read has a `problem`, and stands in nobody's way.
    """
    try:
        bundle = read_bundle(folder)
    except UserError as error:
        return BundleInfo(name, problem=error.message)
    except Exception as error:
        _log.exception("%s cannot be read", folder)
        return BundleInfo(name, problem=f"{folder} cannot be read ({error!r:.200}).")
    return BundleInfo(
        name,
        title=bundle.title,
        domain=bundle.domain,
        resolution=bundle.resolution,
        parts=tuple(part.name for part in bundle.parts),
        groups={name: tuple(parts) for name, parts in bundle.groups.items()},
        missing=tuple(bundle.missing),
        license=bundle.license,
        source=bundle.source,
        images_seen=bundle.images_seen,
        sha=bundle.sha,
    )
