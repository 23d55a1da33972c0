"""The contact sheet in a real browser: before and after by mouse and keyboard, doubtful first."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from PIL import Image

from backend.batch.found import Found
from backend.batch.manifest import Manifest, opened, stamp_of
from backend.batch.people import Person
from backend.batch.report import report_of
from backend.batch.run import Plan
from backend.batch.sheet import write_people, write_sheet
from backend.batch.tasks import Face, Looked, Outcome, failed

# name, verdict, identity: in the order of the names
ROWS = (
    ("1 <b>&\"'.jpg", "well", 0.9),
    ("2.jpg", "poorly", 0.3),
    ("10.jpg", "roughly", 0.5),
    ("11.jpg", "well", 0.7),
)
SORTED = ["2.jpg", "10.jpg", "11.jpg", "1 <b>&\"'.jpg"]


def picture(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (90, 60), colour).save(buffer, "WEBP")
    return buffer.getvalue()


def outcome(number: int, verdict: str, identity: float) -> Outcome:
    subject = {"subject": 1, "quality": verdict, "identity": identity}
    return Outcome(
        number, "edited", subjects=(subject,), verdict=verdict, data=b"result",
        before=picture("red"), after=picture("blue"),
    )  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Manifest, Plan, list[Outcome]]]:
    """Four results and a failure."""
    source = tmp_path / "in.jpg"
    source.write_bytes(b"a photo")
    photos = [Found(source, Path(name)) for name, *_ in ROWS] + [Found(source, Path("torn.jpg"))]
    with opened(tmp_path / "out") as manifest:
        outcomes = [outcome(i, verdict, alike) for i, (_, verdict, alike) in enumerate(ROWS)]
        for one in outcomes:
            name = photos[one.number].name.as_posix()
            manifest.commit(one, name, source, stamp_of(source), "s")
        yield manifest, Plan(photos), [*outcomes, failed(4, "torn.jpg is <torn>.")]


@pytest.fixture
def sheet(made: tuple[Manifest, Plan, list[Outcome]]) -> Path:
    manifest, planned, outcomes = made
    report = report_of(manifest, planned, outcomes, seconds=2.0, stopped=False)
    return write_sheet(manifest, report)


def test_one_file_that_asks_for_nothing(sheet: Path) -> None:
    page = sheet.read_text(encoding="utf-8")
    assert not re.search(r"https?:|<link|@import|src=\"(?!data:)", page)
    assert "default-src 'none'" in page
    assert "torn.jpg is &lt;torn&gt;." in page and "<b>" not in page


@pytest.fixture
def window(tmp_path: Path) -> Iterator[browser.Browser]:
    if reason := browser.missing():
        pytest.skip(reason)
    with browser.browser(tmp_path) as window:
        yield window


def test_before_and_after_by_mouse_and_keyboard(sheet: Path, window: browser.Browser) -> None:
    window.open(sheet)
    names = "return [...document.querySelectorAll('figure')].map(f => f.dataset.name)"
    assert window.script(names) == SORTED
    assert window.script("return performance.getEntriesByType('resource').length") in (0, 8)
    outside = (
        "return performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:'))"
    )
    assert window.script(outside) == []
    loaded = "return [...document.images].every(i => i.complete && i.naturalWidth === 90)"
    assert window.script(loaded)
    shown = (
        "return [...document.querySelectorAll('figure')].map(f =>"
        " getComputedStyle(f.querySelector('.before')).visibility)"
    )
    assert window.script(shown) == ["hidden"] * 4
    window.point_at("figure:nth-child(2)")
    assert window.script(shown) == ["hidden", "visible", "hidden", "hidden"]
    window.point_at("h1")

    focused = "return document.activeElement.dataset.name || null"
    window.press("Right")
    assert window.script(focused) == SORTED[0]
    window.press("Right", "Right", "Left", "Space")
    assert window.script(focused) == SORTED[1]
    assert window.script(shown) == ["hidden", "visible", "hidden", "hidden"]
    pressed = "return document.activeElement.getAttribute('aria-pressed')"
    assert window.script(pressed) == "true"
    window.press("Space")
    assert window.script(shown) == ["hidden"] * 4 and window.script(pressed) == "false"

    window.script(
        "const s = document.querySelector('#order'); s.value = 'name';"
        " s.dispatchEvent(new Event('change'))"
    )
    assert window.script(names) == [name for name, *_ in ROWS]
    links = "return [...document.querySelectorAll('figure a')].map(a => a.href)"
    for address, (name, *_) in zip(window.script(links), ROWS, strict=True):
        assert address == (sheet.parent / name).as_uri()


def test_who_was_taken_for_whom(made: tuple[Manifest, Plan, list[Outcome]]) -> None:
    manifest, planned, _ = made
    people = [Person("bride.jpg", "a", None, picture("red"), faces=2)]  # type: ignore[arg-type]
    quad = (0.0,) * 8
    looked = [
        Looked(1, (Face(quad, (0.62,), picture("red")), Face(quad, (0.12,), picture("blue")))),
        Looked(2, (Face(quad, (0.45,), picture("red")),)),
        Looked(3, error="torn"),
    ]
    path, count = write_people(manifest, planned, people, looked, 0.4)
    page = path.read_text(encoding="utf-8")
    assert count == 2 and "2 of 3 faces in 3 photos" in page and "is 0.4." in page
    assert page.index("0.45") < page.index("0.62") < page.index("0.12")
    assert page.count('class="close"') == 1 and "shows 2 faces" in page
    assert not re.search(r"https?:|src=\"(?!data:)", page)
