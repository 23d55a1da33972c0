"""What the user has chosen for good, in one private file: `settings.json` in the data folder.

The plug-in's settings window writes it; plug-in, client and backend read it. A new setting is a new
field with a default; files of older versions then stay valid.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

from protocol import bounded_file, keys, paths, private_file
from protocol.errors import BackendError
from protocol.messages import Level
from protocol.typed import Matches, ProtocolError, Range, from_known, from_wire, require

_MAX_FILE = 64 << 10  # bytes
_PREFERENCES = {"declare_ai", "level", "idle_minutes"}  # what may be guessed without harm
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
    level: Level = "balanced"
    idle_minutes: Annotated[int, Range(0, _WEEK)] = 15
    remote: Remote | None = None
    use_remote: bool = False

    @property
    def chosen_remote(self) -> Remote | None:
        return self.remote if self.use_remote else None


def load() -> Settings:
    """The user's settings, the defaults where there are none yet.

    What a later version has added is left aside; a preference that does not fit is the default.
    Raises BackendError "bad_settings" for a file that cannot be read, or that says no sound thing
    about another machine: guessing would send a photo to another backend than the chosen one.
    """
    try:
        return _lenient(_content())
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, ProtocolError) as error:
        reason = getattr(error, "strerror", None) or error
        path = paths.settings_file()
        sentence = f"EditGAN's settings cannot be read ({reason}): mend or delete {path}."
        raise BackendError("bad_settings", sentence) from error


def save(settings: Settings) -> None:
    """Replace the user's settings; what a later version wrote stays in the file.

    Raises BackendError "bad_settings"; the old file then stays.
    """
    path = paths.settings_file()
    try:
        values = asdict(settings)
        from_wire(Settings, values, (), "settings")
        later: dict[str, object] = {}
        with contextlib.suppress(OSError, ValueError, ProtocolError):
            later = {name: value for name, value in _content().items() if name not in values}
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_file.write(path, json.dumps({**values, **later}, indent=1) + "\n")
    except (OSError, ProtocolError) as error:
        reason = getattr(error, "strerror", None) or error
        sentence = f"The settings were not saved in {path} ({reason}): mend that and try again."
        raise BackendError("bad_settings", sentence) from error


def odd_values() -> list[str]:
    """The preferences in the file that do not fit, for which the defaults stand in."""
    try:
        return _odd(_content())
    except (OSError, ValueError, ProtocolError):
        return []


def _content() -> dict[str, object]:
    """The file's content. Raises OSError, ValueError, ProtocolError."""
    content = bounded_file.read_json(paths.settings_file(), _MAX_FILE)
    require(isinstance(content, dict), "settings", "a map")
    return dict(content)


def _lenient(values: Mapping[str, object]) -> Settings:
    odd = _odd(values)
    even = {name: value for name, value in values.items() if name not in odd}
    settings: Settings = from_known(Settings, even, (), "settings")
    return settings


def _odd(values: Mapping[str, object]) -> list[str]:
    odd = []
    for name in _PREFERENCES & values.keys():
        try:
            from_wire(Settings, {name: values[name]}, (), "settings")
        except ProtocolError:
            odd.append(name)
    return sorted(odd)
