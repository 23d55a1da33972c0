"""A client for the tests: starts a job of 100 s, says so, and waits to be killed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from backend_harness import repaint
from protocol.client import Connection
from protocol.messages import Event


def say(event: Event) -> None:
    if "Step" in getattr(event, "text", ""):
        print("running", flush=True)


Connection.open(timeout=60).request(repaint("slow", 10_000), say)
