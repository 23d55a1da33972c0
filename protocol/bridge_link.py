"""Frames through a bridge process: a client's end, for a Python that cannot load pyzmq."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from protocol import pipe, processes
from protocol.connection_file import ConnectionInfo
from protocol.errors import BackendError
from protocol.links import Channel, LinkError
from protocol.typed import Buffer

_START_S = 30.0  # a cold disk on a busy machine
_END_S = 5.0


def command(*words: str) -> list[str]:
    """The command that runs the bridge. Raises BackendError "backend_missing"."""
    return [*processes.backend_python(), *processes.bridge_words(), *words]


def make_keys(role: str) -> None:
    """Let the bridge make this user's key pair. Raises BackendError, OSError."""
    try:
        subprocess.run(
            command("keys", role),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=processes.clean_environment(os.environ),
            timeout=_START_S,
            check=True,
            **processes.hidden(),
        )
    except subprocess.SubprocessError as error:
        raise BackendError(
            "bad_settings", "No keys could be made; run install.py again."
        ) from error


class BridgeLink:
    """A bridge's two ends, and a thread that sorts what comes out of it.

    `through_process` starts the bridge; `through_socket` gets one from the waiting service, which
    also starts the backend (protocol.waiting). process: the bridge, where it is one's own.
    """

    process: subprocess.Popen[bytes] | None = None

    def __init__(
        self,
        source: IO[bytes],
        drain: IO[bytes],
        hang_up: Callable[[], None],
        setup: Mapping[str, object],
        patience: float,
    ) -> None:
        self._arrived: dict[bytes, deque[list[bytes]]] = {
            mark: deque() for mark in (*pipe.CHANNELS.values(), pipe.SETUP)
        }
        self._changed = threading.Condition()
        self._ended = ""  # why nothing more will come
        self._writing = threading.Lock()
        self._source, self._drain, self._hang_up = source, drain, hang_up
        self._reader = threading.Thread(target=self._read, daemon=True, name="editgan-bridge")
        self._reader.start()
        try:
            self._set_up(setup, patience)
        except BaseException:
            self.close()
            raise

    @classmethod
    def through_process(cls, info: ConnectionInfo) -> BridgeLink:
        """A bridge process of one's own. Raises BackendError, LinkError."""
        try:
            process = subprocess.Popen(
                command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=processes.clean_environment(os.environ),
                **processes.hidden(),
            )
        except OSError as error:
            raise _no_bridge(str(error)) from None
        assert process.stdin and process.stdout  # as was asked for

        def hang_up() -> None:
            with contextlib.suppress(OSError, ValueError):
                drain.close()  # the bridge ends at that
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        source, drain = process.stdout, process.stdin
        link = cls(source, drain, hang_up, dataclasses.asdict(info), _START_S)
        link.process = process
        return link

    @classmethod
    def through_socket(cls, path: Path, *, start: bool, patience: float) -> BridgeLink:
        """A bridge that the waiting service at `path` gives, to the backend of its user.

        start: whether it starts a backend if none runs; patience: seconds that this may take.
        Raises BackendError: backend_missing (no service, or no backend), and those of the start.
        """
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(path))
        except OSError as error:
            line.close()
            raise BackendError(
                "backend_missing",
                "EditGAN's waiting service does not run; start it by running install.py again.",
                f"{path}: {error}",
            ) from None

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

        setup = {pipe.START: start}
        return cls(line.makefile("rb"), line.makefile("wb"), hang_up, setup, patience)

    def send(self, channel: Channel, frames: Sequence[Buffer]) -> None:
        self._write(pipe.CHANNELS[channel], frames)

    def poll(self, channel: Channel, milliseconds: int) -> bool:
        return self._wait(pipe.CHANNELS[channel], milliseconds / 1000)

    def receive(self, channel: Channel) -> Sequence[Buffer]:
        with self._changed:
            return self._arrived[pipe.CHANNELS[channel]].popleft()

    def close(self) -> None:
        self._hang_up()
        self._reader.join(_END_S)
        for stream in (self._source, self._drain):
            with contextlib.suppress(OSError, ValueError):
                stream.close()

    # --- inside ---

    def _set_up(self, setup: Mapping[str, object], patience: float) -> None:
        self._write(pipe.SETUP, [json.dumps(setup).encode()])
        if not self._wait(pipe.SETUP, patience):
            raise _no_bridge("no answer")
        answer = json.loads(self._arrived[pipe.SETUP].popleft()[0])
        if message := answer.get("message"):
            if answer.get("code"):
                raise BackendError(str(answer["code"]), str(message), str(answer.get("detail", "")))
            raise LinkError(str(message))

    def _write(self, mark: bytes, frames: Sequence[Buffer]) -> None:
        try:
            with self._writing:
                pipe.write(self._drain, mark, frames)
        except (OSError, ValueError) as error:
            raise LinkError(f"the bridge takes no message: {error}") from None

    def _wait(self, mark: bytes, seconds: float) -> bool:
        arrived = self._arrived[mark]
        with self._changed:
            self._changed.wait_for(lambda: arrived or self._ended, seconds)
            if not arrived and self._ended:
                raise LinkError(self._ended)
            return bool(arrived)

    def _read(self) -> None:
        try:
            while True:
                self._hand_over(*pipe.read(self._source))
        except (EOFError, OSError, ValueError) as error:
            with self._changed:
                self._ended = f"the bridge has ended: {error}"
                self._changed.notify_all()

    def _hand_over(self, mark: bytes, frames: list[bytes]) -> None:
        with self._changed:
            self._arrived[mark].append(frames)
            self._changed.notify_all()


def _no_bridge(detail: str) -> BackendError:
    sentence = "The way to the EditGAN backend could not be started; run install.py again."
    return BackendError("backend_missing", sentence, detail)
