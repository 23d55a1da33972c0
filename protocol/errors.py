"""Errors that a user can act on, and what a client raises."""

from __future__ import annotations


class UserError(Exception):
    """Base of all expected errors of the backend, the edit library and the client.

    code: stable and machine-readable. message: one sentence: what happened, what to do.
    """

    code = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BackendError(UserError):
    """The backend is not there, or it answered with an error.

    code: see docs/protocol.md. message: one sentence for the user. detail: for logs.
    """

    def __init__(self, code: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail


def backend_lost(detail: str, elsewhere: str | None = None) -> BackendError:
    """elsewhere: the endpoint of a backend on another machine."""
    sentence = (
        "The EditGAN backend stopped while it was working; run the command again to restart it."
    )
    if elsewhere:
        sentence = (
            f"The EditGAN backend at {elsewhere.removeprefix('tcp://')} does not answer; see that "
            "it runs there and allows this computer's key, or choose this computer in Backend "
            "Status and Settings."
        )
    return BackendError("backend_lost", sentence, detail)
