"""What an adoption reports: its steps, those of an earlier run included."""

from __future__ import annotations

from dataclasses import dataclass, field

_WHERE_KNOWN = {"where_known": True}  # see protocol.facts


@dataclass(frozen=True)
class LearnedEncoder:
    """Perceptual distance of held-out samples from their reconstructions, before training and
    after `images` samples."""

    distance_before: float
    distance: float
    images: float


@dataclass(frozen=True)
class LearnedParts:
    """samples: that `teacher` labelled; iou: intersection over union with it by part, on samples
    held back, of the parts that they show."""

    samples: int
    iou: dict[str, float]
    mean_iou: float
    teacher: str


@dataclass(frozen=True)
class CheckedParts:
    """The learned parts beside labels made by hand, on photographs.

    pictures: how many; skipped: unreadable, or without a subject; iou: by part, of those that the
    labels name and show; unknown: names of the labels that are no parts of the model.
    """

    pictures: int
    skipped: int
    iou: dict[str, float]
    mean_iou: float
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LearnedPresets:
    """Names of recipes: of which there is an edit now, and of which none works."""

    learnt: list[str]
    left_out: list[str]


@dataclass(frozen=True)
class AdoptionReport:
    """hours: of the steps that were left, as estimated; memory_gb, peak_gb: as estimated, and as
    used; missing: networks that the model still lacks."""

    bundle: str
    estimate: str
    hours: dict[str, float]
    memory_gb: float
    encoder: LearnedEncoder | None = field(default=None, metadata=_WHERE_KNOWN)
    parts: LearnedParts | None = field(default=None, metadata=_WHERE_KNOWN)
    checked: CheckedParts | None = field(default=None, metadata=_WHERE_KNOWN)
    presets: LearnedPresets | None = field(default=None, metadata=_WHERE_KNOWN)
    folder: str | None = field(default=None, metadata=_WHERE_KNOWN)
    missing: list[str] | None = field(default=None, metadata=_WHERE_KNOWN)
    peak_gb: float | None = field(default=None, metadata=_WHERE_KNOWN)
