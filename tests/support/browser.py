"""A headless Chromium, driven by the W3C WebDriver protocol that chromedriver speaks."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KEYS = {"Right": "\ue014", "Left": "\ue012", "Down": "\ue015", "Up": "\ue013", "Space": " "}

_WORDS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--window-size=1200,900",
)  # fmt: skip


def missing() -> str | None:
    """Why there is no browser, None where there is one."""
    browser = any(map(shutil.which, ("chromium", "google-chrome")))
    if browser and shutil.which("chromedriver"):
        return None
    return "there is no Chromium with its driver (Debian: apt-get install chromium chromium-driver)"


class Browser:
    """A window. Commands raise HTTPError where the browser refuses them."""

    def __init__(self, base: str, session: str) -> None:
        self._session = f"{base}/session/{session}"

    def open(self, page: Path) -> None:
        _post(f"{self._session}/url", {"url": page.as_uri()})

    def script(self, body: str) -> Any:
        """What a function of this body returns in the page."""
        return _post(f"{self._session}/execute/sync", {"script": body, "args": []})

    def press(self, *names: str) -> None:
        keys = [KEYS[name] for name in names]
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": steps})

    def point_at(self, selector: str) -> None:
        element = _post(
            f"{self._session}/element", {"using": "css selector", "value": selector}
        )  # fmt: skip
        move = {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": element}
        self._act({"type": "pointer", "id": "mouse", "actions": [move]})

    def screenshot(self) -> str:
        """A PNG in base64."""
        with urllib.request.urlopen(f"{self._session}/screenshot", timeout=60) as answer:
            return str(json.load(answer)["value"])

    def _act(self, actions: dict[str, Any]) -> None:
        _post(f"{self._session}/actions", {"actions": [actions]})


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in `folder`, ended with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    driver = subprocess.Popen(
        ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(f"{base}/status")
        words = [*_WORDS, f"--user-data-dir={folder / 'profile'}"]
        options = {"goog:chromeOptions": {"args": words}}
        made = _post(f"{base}/session", {"capabilities": {"alwaysMatch": options}})
        session = made["sessionId"]
        try:
            yield Browser(base, session)
        finally:
            request = urllib.request.Request(f"{base}/session/{session}", method="DELETE")
            with urllib.request.urlopen(request, timeout=60):
                pass
    finally:
        driver.terminate()
        driver.wait(30)


def _post(address: str, value: dict[str, Any]) -> Any:
    data = json.dumps(value).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)["value"]


def _wait_for(address: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
