"""The backend on another machine, where the user's settings choose one."""

from __future__ import annotations

from protocol import PROTOCOL_VERSION, keys, settings
from protocol.connection_file import ConnectionInfo, CurveKeys
from protocol.errors import BackendError
from protocol.typed import ProtocolError


def chosen() -> ConnectionInfo | None:
    """How to reach the chosen backend, None where work is done on this machine.

    Raises BackendError "bad_settings".
    """
    remote = settings.load().chosen_remote
    if remote is None:
        return None
    host, port = settings.split_address(remote.address)
    try:
        own = keys.own("client")
        curve = CurveKeys(keys.from_hex(remote.key), own.public, own.secret)
    except (OSError, ProtocolError) as error:
        sentence = f"This computer's key cannot be read ({error}); see the EditGAN settings."
        raise BackendError("bad_settings", sentence) from error
    ends = (f"tcp://{host}:{port}", f"tcp://{host}:{port + 1}")
    return ConnectionInfo(*ends, "", PROTOCOL_VERSION, curve, lock=None)
