"""Frames over ZeroMQ sockets of this process."""

from __future__ import annotations

from collections.abc import Sequence

import zmq

from protocol import framing
from protocol.connection_file import ConnectionInfo
from protocol.errors import BackendError
from protocol.keepalive import notice_vanished_machines
from protocol.links import Channel, LinkError
from protocol.typed import Buffer


class ZmqLink:
    """A DEALER socket for each channel. The bridge polls `sockets` together with others."""

    def __init__(self, info: ConnectionInfo) -> None:
        self.context = zmq.Context()
        try:
            self.sockets: dict[Channel, zmq.Socket[bytes]] = {
                "jobs": self._socket(info, info.jobs),
                "control": self._socket(info, info.control),
            }
        except BaseException as error:
            self.close()
            if isinstance(error, zmq.ZMQError):  # no such address
                raise LinkError(str(error)) from None
            raise

    def send(self, channel: Channel, frames: Sequence[Buffer]) -> None:
        try:
            self.sockets[channel].send_multipart(frames, flags=zmq.NOBLOCK, copy=False)
        except zmq.Again:
            raise LinkError("the socket takes no message") from None
        except zmq.ZMQError as error:  # closed under our feet by another thread
            raise LinkError(str(error)) from None

    def poll(self, channel: Channel, milliseconds: int) -> bool:
        try:
            return bool(self.sockets[channel].poll(milliseconds))
        except zmq.ZMQError as error:
            raise LinkError(str(error)) from None

    def receive(self, channel: Channel) -> list[Buffer]:
        try:
            frames = self.sockets[channel].recv_multipart(copy=False)
        except zmq.ZMQError as error:
            raise LinkError(str(error)) from None
        return [frame.buffer for frame in frames]

    def close(self) -> None:
        self.context.destroy(linger=0)

    def _socket(self, info: ConnectionInfo, endpoint: str) -> zmq.Socket[bytes]:
        socket = self.context.socket(zmq.DEALER)
        socket.linger = 0
        socket.maxmsgsize = framing.MAX_FRAME
        socket.rcvhwm = socket.sndhwm = 0
        notice_vanished_machines(socket)
        if info.curve:
            if not zmq.has("curve"):
                raise BackendError(
                    "backend_missing",
                    "This ZeroMQ has no encryption, so TCP is refused; reinstall the plug-in.",
                )
            socket.curve_serverkey = info.curve.server.encode()
            socket.curve_publickey = info.curve.public.encode()
            socket.curve_secretkey = info.curve.secret.encode()
        socket.ipv6 = "[" in endpoint
        socket.connect(endpoint)
        return socket
