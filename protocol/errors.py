"""What a client raises."""

from __future__ import annotations


class BackendError(Exception):
    """The backend is not there, or it answered with an error.

    code: see docs/protocol.md. message: one sentence for the user. detail: for logs.
    """

    def __init__(self, code: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail


def backend_lost(detail: str) -> BackendError:
    return BackendError(
        "backend_lost",
        "The EditGAN backend stopped while it was working; run the command again to restart it.",
        detail,
    )
