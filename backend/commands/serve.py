"""`editgan serve`: the backend, in the foreground. GIMP starts it by itself when it needs it."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from backend.commands.arguments import add_device
from protocol import keys
from protocol.typed import ProtocolError


@dataclass(frozen=True)
class ServeReport:
    """How it ended."""

    exit_code: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--idle", type=float, default=None, metavar="SECONDS",
        help="end after so long without a client; 0: never (default: as set in GIMP, 900)",
    )  # fmt: skip
    parser.add_argument(
        "--tcp", metavar="HOST[:PORT]",
        help="listen on TCP, encrypted, instead of local sockets; 0.0.0.0:5570: for other "
        "machines, on the ports 5570 and 5571",
    )  # fmt: skip
    parser.add_argument(
        "--allow", action="append", default=[], type=_key, metavar="KEY",
        help="with --tcp: let the computer with this key in (GIMP there shows it under Backend "
        "Status and Settings); may be given several times",
    )  # fmt: skip
    add_device(parser)


def run(args: argparse.Namespace) -> ServeReport:
    """Serve until stopped; at once done where another backend runs already."""
    from backend.server.main import serve
    from backend.server.sockets import CannotListen

    if args.allow and not args.tcp:
        raise CannotListen("--allow is for other computers; give --tcp HOST:PORT as well.")
    if not args.quiet:
        for line in _notes(args):
            print(line, file=sys.stderr)
    code = serve(args.idle, args.tcp, args.device, allowed=[keys.from_hex(k) for k in args.allow])
    return ServeReport(code)


def describe(report: ServeReport) -> str:
    return ""


def _key(text: str) -> str:
    if not keys.is_key(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a key: a key has 64 hexadecimal digits")
    return text


def _notes(args: argparse.Namespace) -> list[str]:
    """What somebody who starts it by hand should know."""
    notes = []
    if args.tcp:
        notes.append(f"This backend's key: {_own_key()}")
        notes.append(
            "Enter it and this machine's address in GIMP: Filters > EditGAN > Backend Status and "
            "Settings."
            if args.allow
            else "No other machine is let in: give --allow KEY for each."
        )
    if sys.stderr.isatty():
        notes.append("The backend is starting; Ctrl-C ends it.")
    return notes


def _own_key() -> str:
    try:
        return keys.to_hex(keys.own("server").public)
    except (OSError, ProtocolError) as error:
        return f"none ({error})"
