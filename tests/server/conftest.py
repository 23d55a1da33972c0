"""A real backend process and a connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import forking
import pytest

from backend.cli import main
from backend_harness import COMMAND, REAL_COMMAND, Backend, connect
from protocol.client import Connection


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Backend]]:
    """Starts small backends (arguments: those of small_backend.py); all are killed in the end."""
    started: list[Backend] = []

    def start(*args: str) -> Backend:
        started.append(Backend([*COMMAND, *args]))
        return started[-1]

    yield start
    for backend in started:
        backend.kill()


@pytest.fixture
def backend(start: Callable[..., Backend]) -> Backend:
    return start()


@pytest.fixture
def connection(backend: Backend) -> Iterator[Connection]:
    with backend.connect() as connection:
        yield connection


@pytest.fixture
def editor(models: Path) -> Iterator[Connection]:
    """A connection to the real engine. models: the test module's data folder, with its bundle."""
    words = REAL_COMMAND[REAL_COMMAND.index("serve") :]
    process = forking.get_context().Process(target=main, args=(words,))
    process.start()
    with connect() as connection:
        yield connection
        connection.shutdown()
    process.join()
