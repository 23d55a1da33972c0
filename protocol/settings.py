"""What the user has chosen for good, in one private file: `settings.json` in the data folder.

The plug-in's settings window writes it; plug-in, client and backend read it. A new setting is a new
field with a default; files of older versions then stay valid.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated

from protocol import keys, paths, private_file
from protocol.errors import BackendError
from protocol.messages import Level
from protocol.typed import Matches, ProtocolError, Range, from_wire

_MAX_FILE = 64 << 10  # bytes
_WEEK = 7 * 24 * 60  # minutes


def split_address(text: str) -> tuple[str, int]:
    """HOST:PORT (or [HOST]:PORT) as host and port; raises ValueError."""
    host, colon, port = text.strip().rpartition(":")
    bare = not host.startswith("[") and ":" in host  # an IPv6 address needs its brackets
    if not host or not colon or bare or not port.isascii() or not port.isdigit():
        raise ValueError(text)
    if any(c.isspace() or c in "/@" for c in host) or not 0 < int(port) < 65535:
        raise ValueError(text)  # 65535 leaves no port for the control socket
    return host, int(port)


def is_address(text: str) -> bool:
    try:
        return bool(split_address(text))
    except ValueError:
        return False


@dataclass(frozen=True)
class Remote:
    """A backend on another machine: "HOST:PORT", and its public key as 64 hexadecimal digits."""

    address: Annotated[str, Matches(is_address, "HOST:PORT, such as workstation:5570")]
    key: Annotated[str, Matches(keys.is_key, "64 hexadecimal digits")]


@dataclass(frozen=True)
class Settings:
    """All settings; the annotations are the schema that `load` and `save` hold to.

    declare_ai: write into an edited image's metadata that a trained model changed it.
    level: how closely photos are represented, where a command does not say it.
    idle_minutes: after so long without work the backend ends, 0: never.
    remote: the backend on another machine; it is used where use_remote says so.
    """

    declare_ai: bool = True
    level: Level = "fast"
    idle_minutes: Annotated[int, Range(0, _WEEK)] = 15
    remote: Remote | None = None
    use_remote: bool = False

    @property
    def chosen_remote(self) -> Remote | None:
        return self.remote if self.use_remote else None


def load() -> Settings:
    """The user's settings, the defaults where there are none yet.

    Raises BackendError "bad_settings" for a file that cannot be read: guessing would, for example,
    send a photo to another backend than the one that was chosen.
    """
    path = paths.settings_file()
    try:
        with path.open("rb") as file:
            return _checked(json.loads(file.read(_MAX_FILE)))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, ProtocolError) as error:
        sentence = f"EditGAN's settings cannot be read ({error}): mend or delete {path}."
        raise BackendError("bad_settings", sentence) from error


def save(settings: Settings) -> None:
    """Replace the user's settings. Raises BackendError "bad_settings"; the old file then stays."""
    path = paths.settings_file()
    try:
        _checked(asdict(settings))
        path.parent.mkdir(parents=True, exist_ok=True)
        private_file.write(path, json.dumps(asdict(settings), indent=1) + "\n")
    except (OSError, ProtocolError) as error:
        reason = getattr(error, "strerror", None) or error
        sentence = f"The settings were not saved in {path} ({reason}): mend that and try again."
        raise BackendError("bad_settings", sentence) from error


def _checked(values: object) -> Settings:
    settings: Settings = from_wire(Settings, values, (), "settings")
    return settings
