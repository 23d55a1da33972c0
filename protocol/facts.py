"""What people read of a result: the engine finds it, the wire and `--json` carry it.

Numbers that may be missing are None where a network gave none that is finite.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

Grade = Literal["well", "roughly", "poorly"]
Number = float | None


_WHERE_KNOWN = {"where_known": True}  # metadata of fields that JSON leaves out at their default


@dataclass(frozen=True)
class PhotoReport:
    """How well the model represents a subject.

    perceptual: distance under the network named beside it, 0 is equal; mse: of pixels in [-1, 1];
    identity: cosine similarity, 1 is the same person, None without an identity network; verdict:
    one sentence; seconds: that opening took; ended_early: by the user. Where the model has a
    parser: part_verdicts by part group; hidden: the parts that something in the photo covers;
    covered: whether something lies before the face; profile: whether it is seen from the side.
    """

    perceptual: Number
    perceptual_network: str
    mse: Number
    identity: Number
    identity_network: str | None
    quality: Grade
    verdict: str
    level: str
    seconds: float
    ended_early: bool = False
    part_verdicts: dict[str, Grade] | None = field(default=None, metadata=_WHERE_KNOWN)
    hidden: tuple[str, ...] | None = field(default=None, metadata=_WHERE_KNOWN)
    covered: bool | None = field(default=None, metadata=_WHERE_KNOWN)
    profile: bool | None = field(default=None, metadata=_WHERE_KNOWN)
    from_cache: bool = field(default=False, metadata=_WHERE_KNOWN)


@dataclass(frozen=True, kw_only=True)
class EditedAreas:
    """How much an edit may change, in label pixels, and as a share of what the photo shows."""

    area_region: int
    area_changed: int
    share_of_subject: Number


@dataclass(frozen=True, kw_only=True)
class RepaintReport(EditedAreas):
    """What an optimisation towards painted or borrowed parts reached.

    steps: that were taken; loss: before the first, and the best; terms: those of the best;
    agreement: the share of the claimed pixels that are the part that was asked for, read in the
    finished photo where the model has a parser; agreement_model: the same in the generator's
    picture; take: what was borrowed.
    """

    steps: int
    ended_early: bool
    loss: tuple[Number, Number]
    terms: dict[str, Number]
    agreement: float
    agreement_model: float
    agreement_read_in: Literal["model", "photo"]
    seconds: float | None = field(default=None, metadata=_WHERE_KNOWN)
    take: Literal["look", "shape"] | None = field(default=None, metadata=_WHERE_KNOWN)


@dataclass(frozen=True, kw_only=True)
class ApplyReport(EditedAreas):
    """What applying edits did: refine: steps that were taken; scales: as they were applied;
    clamped: those that were too large, as they were asked for."""

    refine: int
    ended_early: bool
    scales: tuple[float, ...]
    clamped: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class LearnReport:
    """learnt_from: how many photos; agreement: the share of the pixels that were to change which
    did, on these photos; transfer: the same on photos it was not learned from, None where nothing
    could be tried; range: the scales at which the subject stays the same and the picture sound."""

    learnt_from: int
    agreement: float
    transfer: float | None
    range: tuple[float, float]


@dataclass(frozen=True)
class BundleInfo:
    """A model for people to look at.

    parts: names by label value; groups: named sets of them; missing: the networks without which it
    opens no photos; sha: of its generator; problem: why it cannot be read at all; picture: what it
    draws, WebP.
    """

    name: str
    title: str = ""
    domain: str = ""
    resolution: int = 0
    parts: tuple[str, ...] = ()
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    license: str = ""
    source: str = ""
    images_seen: int = 0
    sha: str = ""
    problem: str = field(default="", metadata=_WHERE_KNOWN)
    picture: bytes | None = field(default=None, metadata=_WHERE_KNOWN)


def as_json(facts: Any) -> dict[str, Any]:
    """A dataclass as a map of its fields, without those that are not known here."""
    return {
        item.name: getattr(facts, item.name)
        for item in dataclasses.fields(facts)
        if not (item.metadata.get("where_known") and getattr(facts, item.name) == item.default)
    }
