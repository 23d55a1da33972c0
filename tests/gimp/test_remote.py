"""Work on another computer: a second real backend, reached by address and key."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import REPAINT, STATUS, failed, grow, names, parts_by_size, pixels, succeeded
from gimp_windows import until

from gimp_harness import LEVEL, WORKSTATION, WORKSTATION_ADDRESS
from protocol import connection_file, keys, settings
from protocol.client import Connection

USUAL = settings.Settings(level=LEVEL)
Call = Callable[..., Gimp.ValueArray]
Order = Callable[[str], None]
LONG = 1000  # steps
ADDRESS = os.environ[WORKSTATION_ADDRESS]


@pytest.fixture
def workstation(order: Order) -> Iterator[Path]:
    """The data folder of the other computer, whose backend the settings choose."""
    home = Path(os.environ["EDITGAN_TEST_RUN"]) / WORKSTATION
    keys.own("client")
    order("start-workstation")
    lock = home / "run" / connection_file.LOCK_NAME
    until(lambda: connection_file.is_held(lock), "the other backend starts")
    public = json.loads((home / "keys/server.json").read_text())["public"]
    remote = settings.Remote(ADDRESS, keys.to_hex(public))
    settings.save(replace(USUAL, remote=remote, use_remote=True))
    yield home
    settings.save(USUAL)
    order("kill-workstation")


def kill_once_it_repaints(order: Order) -> None:
    with Connection.open(timeout=120) as connection:
        until(lambda: connection.status().running == "Repaint", "a repaint")
    order("kill-workstation")


def test_another_computer_does_the_work_and_vanishes(
    call: Call, segmented: Gimp.Image, workstation: Path, order: Order
) -> None:
    image = segmented  # by the backend here: the other one gets the photo by itself
    assert succeeded(call(STATUS))["log"].startswith(str(workstation))
    grow(parts_by_size(image)[0])
    succeeded(call(REPAINT, image, None, steps=2, name="there"))
    assert "there" in names(image)
    before, layers = pixels(image.get_layers()[-1]), names(image)
    killer = threading.Thread(target=kill_once_it_repaints, args=(order,))
    killer.start()
    sentence = failed(call(REPAINT, image, None, steps=LONG))
    killer.join()
    assert f"{ADDRESS} does not answer" in sentence
    assert names(image) == layers and pixels(image.get_layers()[-1]) == before
    settings.save(USUAL)  # back to this computer
    succeeded(call(REPAINT, image, None, steps=2, name="here"))
    assert "here" in names(image)
