"""What a batch says in the end: for programs, and a page to look at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.batch.manifest import Manifest
from backend.batch.run import Plan, sums
from backend.batch.tasks import Outcome, public
from backend.photos.output import replace_file
from backend.session.plain_json import plain

NAME = "report.json"
OK, SOME_FAILED, INTERRUPTED = 0, 3, 130  # exit codes


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """Everything about a batch.

    photos: how many; of these edited (earlier: in an earlier run), without anybody to edit, failed,
    or left because of Ctrl-C. seconds: in all; photos_per_second: of those edited now; stages: the
    seconds of all photos together. results: an entry for each photo that was dealt with, now or
    earlier. raw: raw files that were left alone.
    """

    output: str
    photos: int
    edited: int
    earlier: int
    nobody: int
    failed: int
    left: int
    seconds: float
    photos_per_second: float
    stages: dict[str, float]
    results: list[dict[str, Any]]
    raw: list[str] = field(default_factory=list)
    contact_sheet: str = ""
    report: str = ""
    exit_code: int = OK


def report_of(
    manifest: Manifest, planned: Plan, outcomes: Sequence[Outcome], *, seconds: float, stopped: bool
) -> BatchReport:
    """What to say in the end; stopped: by Ctrl-C."""
    results = {n: {**entry.about, "earlier": True} for n, entry in planned.done.items()}
    for outcome in [*planned.failures.values(), *outcomes]:
        results[outcome.number] = {**public(outcome), "earlier": False}
    rows = [_named(manifest, planned, n, row) for n, row in sorted(results.items())]
    count = Counter(row["status"] for row in rows)
    edited = sum(outcome.status == "edited" for outcome in outcomes)
    left = len(planned.photos) - len(rows)
    return BatchReport(
        output=str(manifest.out),
        photos=len(planned.photos),
        edited=count["edited"],
        earlier=len(planned.done),
        nobody=count["nobody"],
        failed=count["failed"],
        left=left,
        seconds=round(seconds, 2),
        photos_per_second=round(edited / seconds, 3) if seconds else 0.0,
        stages={stage: round(spent, 2) for stage, spent in sums(outcomes).items()},
        results=rows,
        exit_code=INTERRUPTED if stopped and left else SOME_FAILED if count["failed"] else OK,
    )


def write_report(manifest: Manifest, report: BatchReport) -> BatchReport:
    """The report, with its place, as JSON beside the results; raises BadImage where it cannot be
    written."""
    path = manifest.out / NAME
    report = replace(report, report=str(path))
    text = json.dumps(plain(report), indent=1)
    replace_file(path, f"{text}\n".encode("ascii"))
    return report


def _named(manifest: Manifest, planned: Plan, number: int, row: dict[str, Any]) -> dict[str, Any]:
    photo = planned.photos[number]
    edited = row["status"] == "edited"
    return {
        "photo": str(photo.source),
        "output": str(manifest.out / photo.name) if edited else None,
        **row,
    }
