"""Every request over real sockets, against a real server with a small engine."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace

import pytest

from backend_harness import Backend, error_of, repaint, rgb, segment, told
from protocol import messages as m
from protocol.client import Connection
from protocol.typed import MAX_TEXT


def floats(pixels: m.Pixels) -> list[float]:
    return list(array("f", bytes(pixels.data)))


def latent(*values: float) -> m.Pixels:
    return m.Pixels(8, 4, 1, "f32", array("f", values * (32 // len(values))).tobytes())


def test_greeting_tells_bundles_and_device(connection: Connection) -> None:
    assert connection.welcome.bundles == ["small"]
    assert connection.welcome.device == "cpu"


def test_detect_scales_to_the_photo_and_prefers_the_selection(connection: Connection) -> None:
    request = m.Detect("small", rgb(80, 40), 2.0, 160, 80)
    subjects = connection.request(request).subjects
    assert [s.score for s in subjects] == [0.9, 0.8]
    assert subjects[0].quad == (20.0, 20.0, 20.0, 60.0, 60.0, 60.0, 60.0, 20.0)
    x, y, width, height = subjects[0].rect
    assert (x, y, x + width, y + height) == (18, 18, 62, 62)
    right = m.Detect("small", rgb(80, 40), 2.0, 160, 80, selection=(130, 30, 10, 10))
    assert [s.score for s in connection.request(right).subjects] == [0.8]
    nowhere = m.Detect("small", rgb(80, 40), 2.0, 160, 80, selection=(0, 0, 5, 5))
    assert error_of(connection, nowhere).code == "no_subject"
    assert error_of(connection, m.Detect("small", rgb(80, 40, 0), 2, 160, 80)).code == "no_subject"


def test_corners_lie_on_sixteenths_of_a_pixel(connection: Connection) -> None:
    """The last bits of a detector's answer are noise; the photo's id must not depend on them."""
    found = connection.request(m.Detect("small", rgb(81, 41), 1.23, 100, 50)).subjects
    corners = [value * 16 for one in found for value in one.quad]
    assert corners == [round(value) for value in corners]


def test_a_face_is_recognised_without_being_opened(connection: Connection) -> None:
    asked = segment(value=61)
    face = m.Recognise(asked.bundle, asked.quad, asked.rect, asked.pixels)
    seen = connection.request(face)
    assert floats(seen.identity) == [0.0, 1.0, 0.0, 0.0]
    assert (seen.eyes, seen.smile) == (0.75, None)
    assert error_of(connection, m.HasPhoto(asked.photo)).code == "unknown_photo"
    nowhere = replace(face, quad=(0.0,) * 8)
    assert error_of(connection, nowhere).code == "bad_image"


def test_an_open_photo_is_not_computed_again(connection: Connection) -> None:
    first = connection.request(segment(w_plus=latent(0.5)))
    again = connection.request(segment())  # the same pixels: the embedding that they have stays
    assert bytes(again.w_plus.data) == bytes(first.w_plus.data)
    assert again.report == replace(first.report, from_cache=True)
    other = connection.request(segment(level="balanced"))
    assert told(other)["inversions"] == 1
    known = connection.request(segment(w_plus=latent(0.25)))
    assert floats(known.w_plus) == [0.25] * 32


def test_segment_answers_in_photo_coordinates(connection: Connection) -> None:
    result = connection.request(segment())
    assert result.photo == "p1"
    assert [(part.name, part.index, part.color) for part in result.parts] == [
        ("rest", 0, (9, 9, 0)),
        ("hair", 1, (9, 9, 1)),
    ]
    assert result.parts[0].rect == (22, 11, 57, 56)  # the engine's (2, 1) in the rect's corner
    assert bytes(result.parts[0].alpha.data) == bytes([200]) * (57 * 56)
    assert (result.labels.width, result.labels.height) == (16, 16)
    assert floats(result.w_plus) == [100.0] * 32
    assert result.report.mse == 0.25


def test_uncertainty_comes_when_it_is_asked_for(connection: Connection) -> None:
    assert connection.request(segment()).uncertainty is None
    mask = connection.request(segment(uncertainty=True)).uncertainty
    assert mask.rect == (23, 11, 7, 5)
    assert bytes(mask.alpha.data) == bytes([60]) * 35


def test_deep_photos_keep_their_depth(connection: Connection) -> None:
    values = array("f", [0.25, 1.5, -0.1, 1.0]) * (60 * 58)
    deep = m.Pixels(60, 58, 4, "f32", values.tobytes())
    connection.request(segment(pixels=deep))
    layer = connection.request(repaint("hair")).layer
    assert layer.pixels.dtype == "f32"
    assert floats(layer.pixels) == [1.0] * (5 * 3 * 4)


def test_pixels_that_are_no_numbers_are_refused(connection: Connection) -> None:
    values = array("f", [0.25, float("nan"), 0.1, 1.0]) * (60 * 58)
    deep = m.Pixels(60, 58, 4, "f32", values.tobytes())
    assert error_of(connection, segment(pixels=deep)).code == "bad_image"


def test_repaint_reports_previews_and_answers_in_photo_coordinates(connection: Connection) -> None:
    connection.request(segment())
    events: list[m.Message] = []
    result = connection.request(repaint("slow", steps=60), events.append)
    progress = [event for event in events if isinstance(event, m.Progress)]
    previews = [event for event in events if isinstance(event, m.Preview)]
    assert len(progress) > 3
    assert [p.fraction for p in progress] == sorted(p.fraction for p in progress)
    assert any(p.seconds_left is not None for p in progress)
    assert previews
    assert all(p.rect == (30, 20, 40, 40) for p in previews)
    assert result.layer.rect == (33, 21, 5, 3)
    assert result.parts == ("slow",)
    assert result.report.terms["painted 0"] == 8 * 255


def test_apply_sums_scaled_edits(connection: Connection) -> None:
    connection.request(segment())
    edits = [
        m.EditRef(vector=latent(1.0), parts=("hair",), scale=0.5),
        m.EditRef(vector=latent(2.0), parts=("rest",), scale=-1.0),
    ]
    result = connection.request(m.Apply("p1", edits))
    assert floats(result.vector) == [-1.5] * 32
    assert result.parts == ("hair", "rest")
    assert error_of(connection, m.Apply("p1", [])).code == "nothing_changed"
    other = m.Pixels(2, 2, 1, "f32", bytes(16))
    wrong = m.Apply("p1", [m.EditRef(vector=other, parts=("hair",))])
    assert error_of(connection, wrong).code == "wrong_bundle"


def test_saved_edits_are_listed_with_thumbnails_and_applied_by_name(connection: Connection) -> None:
    connection.request(segment())
    save = m.SaveEdit("p1", "More hair", "Longer.", ("hair",), latent(0.5, 0.25), -1.0, 3.0)
    assert connection.request(save) == m.Saved("more-hair")
    assert error_of(connection, save).code == "exists"
    (edit,) = connection.request(m.ListEdits("small")).edits
    assert (edit.name, edit.title, edit.source) == ("more-hair", "More hair", "user")
    assert (edit.low, edit.high, edit.default) == (-1.0, 3.0, 1.0)
    assert edit.parts == ("hair",)
    assert all(image and image[8:12] == b"WEBP" for image in (edit.before, edit.after))
    assert edit.before != edit.after
    result = connection.request(m.Apply("p1", [m.EditRef("more-hair", scale=2.0)]))
    assert floats(result.vector) == [1.0, 0.5] * 16
    assert error_of(connection, m.Apply("p1", [m.EditRef("none")])).code == "unknown_edit"


def test_unknown_bundle_and_photo_are_errors_that_a_client_can_act_on(
    connection: Connection,
) -> None:
    assert error_of(connection, segment(bundle="boats")).code == "unknown_bundle"
    assert error_of(connection, repaint("hair")).code == "unknown_photo"
    assert error_of(connection, m.Apply("p1", [m.EditRef("x")])).code == "unknown_photo"
    assert connection.request(m.ListEdits("boats")).edits == []


def test_embeddings_outlive_the_backend(start: Callable[..., Backend]) -> None:
    first = start()
    with first.connect() as connection:
        before = connection.request(segment())
        assert told(before)["inversions"] == 1
        again = connection.request(segment("other id"))
        assert again.report == replace(before.report, from_cache=True)
        connection.request(segment(value=90))
        connection.request(segment(level="balanced"))
        known = connection.request(segment(w_plus=latent(0.125)))
        assert floats(known.w_plus) == [0.125] * 32
        assert told(known)["inversions"] == 3  # another picture, another level; none for its own
    first.kill()
    with start().connect() as connection:
        after = connection.request(segment())
        assert after.report == replace(before.report, from_cache=True)
        assert bytes(after.w_plus.data) == bytes(before.w_plus.data)
        assert told(connection.request(segment(value=80)))["inversions"] == 1


def test_parts_can_be_put_right_and_an_embedding_improved(connection: Connection) -> None:
    first = connection.request(segment(value=61))
    assert told(first)["corrected"] is None and not told(first)["improved"]
    alpha = m.Pixels(4, 2, 1, "u8", bytes([255] * 8))
    layers = [m.PaintedPart("hair", (33, 21, 4, 2), alpha)]
    right = connection.request(segment(value=61, corrected=layers))
    assert told(right)["corrected"] == [1, 255]  # hair, and what nothing is said about
    kept = connection.request(segment(value=61, corrected=layers))
    assert kept.report.from_cache and told(kept)["inversions"] == told(right)["inversions"]
    better = connection.request(
        segment(value=61, level="faithful", w_plus=latent(0.5), improve=True)
    )
    assert told(better)["improved"] and better.report.level == "faithful"
    assert told(better)["inversions"] == told(right)["inversions"] + 1


def test_a_photo_is_known_to_every_client(backend: Backend) -> None:
    with backend.connect() as one, backend.connect() as two:
        one.request(segment())
        assert two.request(repaint("hair")).parts == ("hair",)


def test_status(connection: Connection) -> None:
    connection.request(segment())
    status = connection.status()
    assert status.photos == 1
    assert status.running is None
    assert status.queued == 0
    assert status.bundles == [m.BundleInfo("small", resolution=16)]
    assert status.memory_mb > 10
    assert status.log.endswith("backend.log")


@pytest.mark.parametrize(
    ("part", "code"),
    [("boom", "internal"), ("huge", "out_of_memory"), ("bad", "nothing_changed")],
)
def test_failures_are_typed_and_harm_no_later_job(
    connection: Connection, part: str, code: str
) -> None:
    connection.request(segment())
    assert error_of(connection, repaint(part)).code == code
    assert connection.request(repaint("hair")).parts == ("hair",)


def test_an_internal_error_names_the_log_and_is_in_it(
    backend: Backend, connection: Connection
) -> None:
    connection.request(segment())
    error = error_of(connection, repaint("boom"))
    assert "backend.log" in error.message
    assert "a mistake in the code" in error.detail
    assert "KeyError: 'a mistake in the code'" in backend.log()


def test_reports_are_made_plain(connection: Connection) -> None:
    connection.request(segment())
    report = connection.request(repaint("nan")).report
    assert report.loss == (None, 1.0)


def test_a_full_graphics_card_leaves_the_job_to_the_cpu(start: Callable[..., Backend]) -> None:
    with start("--device", "meta").connect() as connection:
        connection.request(segment())
        events: list[m.Message] = []
        result = connection.request(repaint("full"), events.append)
        assert result.report.terms["on cpu"]
        texts = [event.text for event in events if isinstance(event, m.Progress)]
        assert any("graphics memory is full" in text for text in texts)
        assert connection.request(repaint("hair")).report.terms["on meta"]


def test_bundles_are_listed_with_a_picture(connection: Connection) -> None:
    [small] = connection.request(m.ListBundles()).bundles
    assert (small.name, small.resolution, small.picture) == ("small", 16, b"WebP")
    assert small.parts == small.missing == ()


def test_the_log_can_be_read_from_afar(connection: Connection, backend: Backend) -> None:
    for number in range(110):
        connection.request(segment(f"p{number}"))
    lines = connection.log().splitlines()
    assert len(lines) <= 200 and len(connection.log()) <= MAX_TEXT
    assert "Segment ends: done" in lines[-1]
