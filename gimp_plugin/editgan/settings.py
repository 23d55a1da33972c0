"""What the user has chosen for good, in one private file: `settings.json` in the data folder.

A new setting is a new field with a default; files of older versions then stay valid.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from errors import PlugInError
from texts import _

from protocol import paths, private_file
from protocol.typed import ProtocolError, from_wire

_MAX_FILE = 64 << 10  # bytes


@dataclass(frozen=True)
class Settings:
    """All settings; the annotations are the schema that `load` and `save` hold to.

    declare_ai: write into an edited image's metadata that a trained model changed it.
    """

    declare_ai: bool = True


def load() -> Settings:
    """The user's settings, the defaults where there are none yet.

    Raises PlugInError for a file that cannot be read: guessing would, for example, send a photo to
    another backend than the one that was chosen.
    """
    path = paths.settings_file()
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_MAX_FILE))
        return _checked(values)
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, ProtocolError) as error:
        raise PlugInError(
            _("EditGAN's settings cannot be read ({error}): mend or delete {path}.").format(
                error=error, path=path
            )
        ) from error


def save(settings: Settings) -> None:
    """Replace the user's settings. Raises PlugInError; the old file then stays."""
    path = paths.settings_file()
    try:
        _checked(asdict(settings))
        path.parent.mkdir(parents=True, exist_ok=True)
        private_file.write(path, json.dumps(asdict(settings), indent=1) + "\n")
    except (OSError, ProtocolError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PlugInError(
            _("The settings were not saved in {path} ({reason}): mend that and try again.").format(
                path=path, reason=reason
            )
        ) from error


def _checked(values: object) -> Settings:
    settings: Settings = from_wire(Settings, values, (), "settings")
    return settings
