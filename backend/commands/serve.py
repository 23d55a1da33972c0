"""`editgan serve`: the backend, in the foreground. GIMP starts it by itself when it needs it."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--idle", type=float, default=900.0, metavar="SECONDS",
        help="end after so long without a client; 0: never (default: 900)",
    )  # fmt: skip
    parser.add_argument(
        "--tcp", metavar="HOST[:PORT]", help="listen on TCP, encrypted, instead of local sockets"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Serve until stopped; at once done where another backend runs already."""
    from backend.server.main import serve

    if not args.quiet and sys.stderr.isatty():
        print("The backend is starting; Ctrl-C ends it.", file=sys.stderr)
    return {"exit_code": serve(idle_timeout=args.idle, tcp=args.tcp, device=args.device)}


def describe(report: dict[str, Any]) -> str:
    return ""
