"""Contact sheets: one HTML file each, pictures within, nothing from any network."""

from __future__ import annotations

import base64
import contextlib
import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backend.batch.manifest import Manifest
from backend.batch.people import Person, taken
from backend.batch.report import BatchReport
from backend.batch.run import Plan
from backend.batch.tasks import Face, Looked
from backend.photos.output import replace_file

NAME, PEOPLE = "contact-sheet.html", "people.html"
_HERE = Path(__file__).parent
_CLOSE = 0.1  # from the threshold: worth a second look
_NEAR = 12  # faces shown that were just not taken


def write_sheet(manifest: Manifest, report: BatchReport) -> Path:
    """The results before and after; raises BadImage where the file cannot be written."""
    rows = report.results
    cards = [_card(manifest, row) for row in rows if row["status"] == "edited"]
    lists = [
        _list("These failed", [row for row in rows if row["status"] == "failed"]),
        _list("Nobody to edit in these", [row for row in rows if row["status"] == "nobody"]),
        _list("Notes", [row for row in rows if row["status"] == "edited"], "note"),
    ]
    summary = f"{report.edited} edited, {report.failed} failed, {report.nobody} with nobody"
    summary += f" to edit, {report.left} not done yet." if report.left else " to edit."
    return _written(
        manifest.out / NAME,
        _HERE / "sheet.html",
        title=_text(f"Results in {manifest.out.name}"),
        summary=f"<p>{summary}</p>",
        cards="\n".join(cards),
        lists="\n".join(filter(None, lists)),
    )


def write_people(
    manifest: Manifest,
    planned: Plan,
    people: Sequence[Person],
    looked: Sequence[Looked],
    threshold: float,
) -> tuple[Path, int]:
    """Who was taken for whom, and how many faces were; to be looked at before the work."""
    faces = [
        (planned.photos[one.number].name.as_posix(), face, chosen.get(number))
        for one in looked
        for chosen in [taken(one.faces, threshold)]
        for number, face in enumerate(one.faces)
    ]
    count = sum(person is not None for _, _, person in faces)
    summary = (
        f"{count} of {len(faces)} faces in {len(looked)} photos are taken for one of "
        f"{len(people)}; the threshold of likeness (cosine) is {threshold:g}. Faces with a frame "
        "are close to it. Where somebody should not be here, raise --threshold; where somebody is "
        "missing, lower it, or name a further photo of that person by --person."
    )
    sections = []
    for number, person in enumerate(people):
        mine = [(name, face) for name, face, whom in faces if whom == number]
        near = [(name, face) for name, face, whom in faces if whom is None]
        sections.append(_person(number, person, mine, near, threshold))
    path = _written(
        manifest.out / PEOPLE,
        _HERE / "people_sheet.html",
        summary=summary,
        people="\n".join(sections),
    )
    return path, count


def _person(
    number: int,
    person: Person,
    mine: Sequence[tuple[str, Face]],
    others: Sequence[tuple[str, Face]],
    threshold: float,
) -> str:
    def alike(pair: tuple[str, Face]) -> float:
        return pair[1].likeness[number]

    near = sorted(others, key=alike, reverse=True)[:_NEAR]
    title = f'<h2><img alt="" src="{_data(person.picture)}">{_text(person.name)}</h2>'
    if person.faces > 1:
        title += f"<p>This photo shows {person.faces} faces; the largest is meant.</p>"
    return "\n".join(
        [
            "<section>",
            title,
            f"<p>Taken for this person ({len(mine)}), the least similar first:</p>",
            _faces(sorted(mine, key=alike), number, threshold),
            "<p>Not taken, the most similar first:</p>",
            _faces(near, number, threshold),
            "</section>",
        ]
    )


def _faces(pairs: Sequence[tuple[str, Face]], number: int, threshold: float) -> str:
    figures = []
    for name, face in pairs:
        alike = face.likeness[number]
        close = ' class="close"' if abs(alike - threshold) < _CLOSE else ""
        figures.append(
            f'<figure{close}><img alt="" src="{_data(face.picture)}"><figcaption>'
            f'<span class="likeness">{alike:.2f}</span> {_text(name)}</figcaption></figure>'
        )
    return f'<div class="faces">{"".join(figures)}</div>'


def _card(manifest: Manifest, row: Mapping[str, Any]) -> str:
    name = Path(row["output"]).relative_to(manifest.out).as_posix()
    known = [s["identity"] for s in row["subjects"] if s.get("identity") is not None]
    alike = f", identity {min(known):.2f}" if known else ""
    count = len(row["subjects"])
    several = f", {count} subjects" if count > 1 else ""
    pictures = "".join(
        f'<img class="{kind}" alt="{kind} the edit" src="{_data(data)}">'
        for kind, data in _pictures(manifest, name)
    )
    return (
        f'<figure class="{row["verdict"]}" tabindex="0" role="button" aria-pressed="false"'
        f' aria-label="{_text(name)}: represented {row["verdict"]}; press Space to see it before'
        f' the edit" data-name="{_text(name)}" data-verdict="{row["verdict"]}"'
        f' data-identity="{min(known, default=1.0):.4f}"><div class="frame">{pictures}</div>'
        f'<figcaption><a tabindex="-1" href="{_address(name)}">{_text(name)}</a><br>'
        f'<span class="mark">represented {row["verdict"]}</span>{alike}{several}'
        "</figcaption></figure>"
    )


def _pictures(manifest: Manifest, name: str) -> Iterator[tuple[str, bytes]]:
    for kind in ("after", "before"):
        with contextlib.suppress(OSError):
            yield kind, manifest.picture(name, kind).read_bytes()


def _list(title: str, rows: Sequence[Mapping[str, Any]], key: str = "error") -> str:
    """A section of photos with what is to be said about them; the same sentence stands once."""
    said: dict[str, list[str]] = {}
    for row in rows:
        if row[key]:
            said.setdefault(row[key], []).append(row["photo"])
    if not said:
        return ""
    items = []
    for sentence, photos in said.items():
        names = "".join(f"<li>{_text(photo)}</li>" for photo in photos)
        head = f"<summary>{_text(sentence)} ({len(photos)})</summary>"
        items.append(f"<details open>{head}<ul>{names}</ul></details>")
    return f"<section><h2>{title}</h2>{''.join(items)}</section>"


def _written(path: Path, template: Path, **parts: str) -> Path:
    page = template.read_text(encoding="utf-8")
    pieces = page.split("@")
    filled = "".join(parts.get(piece, piece) if i % 2 else piece for i, piece in enumerate(pieces))
    replace_file(path, filled.encode("utf-8"))
    return path


def _data(picture: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(picture).decode('ascii')}"


def _text(text: str) -> str:
    """For HTML; names that are no Unicode are shown escaped."""
    return html.escape(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _address(name: str) -> str:
    return quote(name.encode("utf-8", "surrogateescape"))
