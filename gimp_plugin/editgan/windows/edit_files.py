"""`.editgan` files on the user's own disk: the backend may be on another machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gtk

from link.errors import PlugInError
from link.texts import _
from protocol.typed import MAX_BYTES
from windows import dialogs

SUFFIX = ".editgan"


def read(path: Path) -> bytes:
    """A file's content. Raises PlugInError for one that is no edit or cannot be read."""
    if path.suffix != SUFFIX:
        raise PlugInError(
            _("“{file}” is not an {suffix} file: choose one that was exported.").format(
                file=path.name, suffix=SUFFIX
            )
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PlugInError(
                _("“{file}” is too large for an edit: choose another.").format(file=path.name)
            )
        return path.read_bytes()
    except OSError as error:
        raise PlugInError(
            _("“{file}” cannot be read ({reason}): check it.").format(
                file=path.name, reason=error.strerror
            )
        ) from error


def write(path: Path, data: bytes) -> None:
    """Write a file all at once, or leave what is there. Raises PlugInError, on a full disk say."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise PlugInError(
            _("“{file}” could not be written ({reason}): choose another place.").format(
                file=path.name, reason=error.strerror
            )
        ) from error


def ask_to_open(parent: Gtk.Window) -> list[Path]:
    """The files that the user chooses; none if they change their mind."""
    chooser = _chooser(parent, _("Import Edits"), Gtk.FileChooserAction.OPEN, _("_Import"))
    chooser.set_select_multiple(True)
    accepted = dialogs.run_over(chooser, parent) == Gtk.ResponseType.ACCEPT
    chosen = [Path(name) for name in chooser.get_filenames()] if accepted else []
    chooser.destroy()
    return chosen


def ask_to_save(parent: Gtk.Window, name: str) -> Path | None:
    chooser = _chooser(parent, _("Export Edit"), Gtk.FileChooserAction.SAVE, _("_Export"))
    chooser.set_do_overwrite_confirmation(True)
    chooser.set_current_name(name)
    accepted = dialogs.run_over(chooser, parent) == Gtk.ResponseType.ACCEPT
    chosen = chooser.get_filename()
    chooser.destroy()
    return Path(chosen) if accepted and chosen else None


def accept_drops(widget: Gtk.Widget, on_files: Callable[[list[Path]], None]) -> None:
    """Let files be dropped on a widget."""
    widget.drag_dest_set(Gtk.DestDefaults.ALL, [], Gdk.DragAction.COPY)
    widget.drag_dest_add_uri_targets()

    def received(_widget: Gtk.Widget, _context: object, _x: int, _y: int, data: Gtk.SelectionData,
                 _info: int, _time: int) -> None:  # fmt: skip
        parts = [urlparse(uri) for uri in data.get_uris()]
        on_files([Path(unquote(part.path)) for part in parts if part.scheme == "file"])

    widget.connect("drag-data-received", received)


def _chooser(
    parent: Gtk.Window, title: str, action: Gtk.FileChooserAction, accept: str
) -> Gtk.FileChooserDialog:
    chooser = Gtk.FileChooserDialog(title=title, transient_for=parent, modal=True, action=action)
    chooser.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
    chooser.add_button(accept, Gtk.ResponseType.ACCEPT)
    chooser.set_default_response(Gtk.ResponseType.ACCEPT)
    only = Gtk.FileFilter()
    only.set_name(_("Edits (*{suffix})").format(suffix=SUFFIX))
    only.add_pattern(f"*{SUFFIX}")
    chooser.add_filter(only)
    return chooser
