"""What the service says by itself: refusals, and messages ready to be sent."""

from __future__ import annotations

import logging

from protocol import PROTOCOL_VERSION, framing
from protocol.messages import ErrorReply, Message
from protocol.typed import Buffer, ProtocolError, WrongVersionError

_log = logging.getLogger(__name__)

Frames = list[Buffer]  # a message, packed

_INTERNAL = "EditGAN could not handle a message; its log says why."
CANCELLED = ErrorReply("cancelled", "The job was cancelled.")
REPLACED = ErrorReply("cancelled", "A newer request took its place.", "replaced")
NOT_GREETED = ErrorReply(
    "not_greeted",
    "The backend does not know this client; run the command again.",
    "the first message must be Hello",
)
SHUTTING_DOWN = ErrorReply("shutting_down", "The backend is ending; run the command again.")
BUSY = ErrorReply("busy", "Too many jobs are waiting; try again in a moment.")


def packed(job: str, message: Message) -> Frames:
    """The frames of a message, of an error where it cannot be sent."""
    try:
        return framing.pack(job, message)
    except (ProtocolError, TypeError, ValueError, OverflowError) as error:
        _log.exception("%s cannot be sent", type(message).__name__)
        sentence = "EditGAN made an answer that cannot be sent."
        return framing.pack(job, ErrorReply("internal", sentence, str(error)[:2000]))


def refusal(error: ProtocolError) -> ErrorReply:
    """What the sender of an unreadable message is told."""
    if not isinstance(error, WrongVersionError):
        return bad_message(str(error))
    older, newer = "plug-in", "backend"
    if not error.other_is_older:
        older, newer = newer, older
    sentence = f"The {older} is older than the {newer}: run install.py again and restart GIMP."
    detail = f"backend speaks {PROTOCOL_VERSION}, the client {error.version!r:.40}"
    return ErrorReply("protocol_version", sentence, detail)


def internal(error: Exception) -> ErrorReply:
    """For a mistake of ours."""
    return ErrorReply("internal", _INTERNAL, repr(error)[:2000])


def bad_message(detail: str) -> ErrorReply:
    """For what is not in the protocol; detail: where."""
    sentence = "The backend could not read a message; update the plug-in and the backend."
    return ErrorReply("bad_message", sentence, detail[:2000])
