"""What a crew is told and what it answers: plain values that travel between processes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from backend.session.plain_json import plain
from protocol.stack_file import EditStack, stack_to_json

Status = Literal["edited", "nobody", "failed"]
Quad = tuple[float, ...]  # eight numbers: the corners of a subject's frame


@dataclass(frozen=True)
class BatchSettings:
    """What decides what is written; everything of it is in the manifest's keys.

    level: of embedding. declare: whether the metadata says how the picture was made. people: the
    digest of the faces that are looked for and of the threshold, "" for every subject.
    """

    stack: EditStack
    level: str = "balanced"
    declare: bool = True
    people: str = ""

    @property
    def digest(self) -> str:
        about = [self.level, self.declare, self.people]
        data = stack_to_json(self.stack) + json.dumps(about).encode()
        return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Task:
    """One photo.

    number: which of the batch. name: the result's place below the output folder; its ending says
    the format. frames: of the subjects to be edited; None: all. data: the photo's bytes, for
    members that do not see its file. staged: where the result is put for now; None: it is returned.
    """

    number: int
    source: str
    name: str
    frames: tuple[Quad, ...] | None = None
    data: bytes | None = field(default=None, repr=False)
    staged: str | None = None

    def place(self) -> Path:
        return Path(self.source)


@dataclass(frozen=True)
class Face:
    """A subject that was looked at: its frame, its likeness to each person (cosine), and a small
    picture (WebP)."""

    quad: Quad
    likeness: tuple[float, ...]
    picture: bytes = field(repr=False)


@dataclass(frozen=True)
class Looked:
    """The faces in a photo; error: why it could not be looked at."""

    number: int
    faces: tuple[Face, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a photo.

    status: "edited"; "nobody": it shows no subject; "failed": `error` says why. sha: of the photo's
    bytes. subjects: a report for each. verdict: how the worst of them is represented. note: what a
    user should know. size, result_sha: of the result, which lies at `staged` or is `data`. before,
    after: small pictures (WebP). seconds: by stage.
    """

    number: int
    status: Status
    sha: str = ""
    error: str | None = None
    subjects: tuple[dict[str, Any], ...] = ()
    verdict: str | None = None
    note: str | None = None
    size: int = 0
    result_sha: str = ""
    staged: str | None = None
    data: bytes | None = field(default=None, repr=False)
    before: bytes = field(default=b"", repr=False)
    after: bytes = field(default=b"", repr=False)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Lost:
    """A photo that a member did not finish. stopped: because it was told to stop."""

    number: int
    stopped: bool = False


Reply = Outcome | Looked | Lost


def failed(number: int, sentence: str) -> Outcome:
    return Outcome(number, "failed", error=sentence)


def public(outcome: Outcome) -> dict[str, Any]:
    """What a report says of it: no bytes."""
    left_out = {"number", "staged", "data", "before", "after"}
    names = [item.name for item in fields(outcome) if item.name not in left_out]
    return {name: plain(getattr(outcome, name)) for name in names}
