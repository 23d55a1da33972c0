"""A web server on this machine that gives files to download, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler, int], None]


def send(
    request: BaseHTTPRequestHandler, body: bytes, start: int, *, whole: int | None = None
) -> None:
    """Answer with `body`, said to be `whole` bytes long."""
    length = len(body) if whole is None else whole
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{start + length - 1}/*")
    request.send_header("Content-Length", str(length))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def served(*answers: Answer) -> Iterator[tuple[str, list[int]]]:
    """A server that gives these answers, the last one again and again; its address, and where each
    request began."""
    asked: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = self.headers.get("Range", "bytes=0-")
            asked.append(int(said.removeprefix("bytes=").rstrip("-")))
            answers[min(len(asked), len(answers)) - 1](self, asked[-1])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/a/net.pkl", asked
    finally:
        server.shutdown()
        server.server_close()
