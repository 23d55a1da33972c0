"""The user's settings, for the plug-in: protocol.settings, with the plug-in's own errors."""

from __future__ import annotations

from typing import cast

from link.backend_texts import backend_error
from link.errors import PlugInError
from protocol import settings as stored
from protocol.errors import BackendError
from protocol.messages import Level
from protocol.settings import Settings


def load() -> Settings:
    """The user's settings, the defaults where there are none yet. Raises PlugInError."""
    try:
        return stored.load()
    except BackendError as error:
        raise PlugInError(backend_error(error.code, error.message), error.code) from error


def save(settings: Settings) -> None:
    """Replace the user's settings. Raises PlugInError; the old file then stays."""
    try:
        stored.save(settings)
    except BackendError as error:
        raise PlugInError(backend_error(error.code, error.message), error.code) from error


def level(asked: str) -> Level:
    """A command's inversion level; "default" is the settings'. Raises PlugInError."""
    return load().level if asked == "default" else cast(Level, asked)
